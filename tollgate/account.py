"""The AWS account that everything on this machine pretends to be in.

The stack, the embedded Bedrock and the models' records name the same account, so that their ARNs agree.
"""

ACCOUNT_ID = "123456789012"
"""The account id that AWS's own documentation uses in examples; it belongs to nobody."""
REGION = "us-east-1"
ACCESS_KEY = "local"
"""Access key id and secret access key alike: nothing on this machine checks them, but AWS's SDKs insist on some."""
