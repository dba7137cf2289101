"""Where programs find the simulated services: clients, the variables of AWS's SDKs, and who may ask from a web page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.account import ACCESS_KEY, REGION

if TYPE_CHECKING:
    from tollgate.dev.moto_server import MotoServer
    from tollgate.stack import Stack


def cors_origins(stack: Stack) -> str:
    """The origins whose web pages the template lets in; none if it has no such parameter."""
    try:
        return str(stack.ref("CorsOrigins"))
    except KeyError:
        return ""


def client(service: str, url: str) -> Any:
    """A boto3 client of a service at a URL of this machine."""
    import boto3  # takes a third of a second, and most starts need no client
    from botocore.config import Config

    session = boto3.Session(ACCESS_KEY, ACCESS_KEY, region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=url, config=config)  # type: ignore[call-overload]


def service_endpoints(data_services: MotoServer, bedrock_url: str) -> dict[str, str]:
    """The environment variables that point AWS's SDKs at this machine.

    moto answers for more services than the runner uses itself.
    """
    return {
        "AWS_ENDPOINT_URL_BEDROCK": bedrock_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_url,
        "AWS_ENDPOINT_URL_DYNAMODB": data_services.dynamodb_url,
        "AWS_ENDPOINT_URL_S3": data_services.url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": bedrock_url,
        "AWS_ENDPOINT_URL_SCHEDULER": data_services.url,
        "AWS_ENDPOINT_URL_STS": data_services.url,
    }
