"""The bucket policy by which another account lets a release read its artifacts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html
"""

from __future__ import annotations

import json
import re


def bucket_policy(bucket: str, prefix: str, readers: list[str]) -> str:
    """The policy, as JSON on several lines, that lets `readers`, ARNs of roles, list the prefix and read below it."""
    principal = {"AWS": sorted({role_of(reader) for reader in readers})}
    partition = readers[0].split(":")[1]
    statements = [
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:ListBucket",
            "Resource": f"arn:{partition}:s3:::{bucket}",
            "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
        },
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:GetObject",
            "Resource": f"arn:{partition}:s3:::{bucket}/{prefix}*",
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def role_of(arn: str) -> str:
    """The ARN of the role behind a session's, as a policy names it; any other ARN as it is.

    >>> role_of("arn:aws:sts::123456789012:assumed-role/tollgate-ReleaseFunctionRole/tollgate-ReleaseFunction")
    'arn:aws:iam::123456789012:role/tollgate-ReleaseFunctionRole'
    """
    return re.sub(r"^arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.*$", r"arn:\1:iam::\2:role/\3", arn)
