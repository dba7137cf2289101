"""An embedded Amazon Bedrock with Custom Model Import, for unmodified AWS SDKs on loopback.

bedrock = Bedrock(Settings(profile="instant"))
arn = bedrock.register(name="llama-demo", engine="echo", architecture="llama", body_format="bedrock")
server = Server(create_app(bedrock))
boto3.client("bedrock-runtime", endpoint_url=server.url).invoke_model(modelId=arn, body=...)
"""

from tollgate.emulators.bedrock.app import create_app
from tollgate.emulators.bedrock.service import Bedrock
from tollgate.emulators.bedrock.settings import Settings

__all__ = ["Bedrock", "Settings", "create_app"]
