"""A served embedded Bedrock and unmodified boto3 clients of it."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config

from tollgate.bedrock import Bedrock, create_app
from tollgate.serving import Server

NO_RETRIES = Config(retries={"total_max_attempts": 1}, read_timeout=20)


def client_of(server: Server, service: str, region: str = "us-east-1"):
    """An unmodified boto3 client that calls once and never retries."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=server.url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
        config=NO_RETRIES,
    )


@pytest.fixture
def bedrock() -> Bedrock:
    return Bedrock()


@pytest.fixture
def server(bedrock: Bedrock):
    server = Server(create_app(bedrock))
    yield server
    server.close()


@pytest.fixture
def runtime(server: Server):
    return client_of(server, "bedrock-runtime")
