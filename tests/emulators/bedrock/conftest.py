"""A served embedded Bedrock and unmodified boto3 clients of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest
from botocore.config import Config

from tollgate.emulators.bedrock import Bedrock, create_app
from tollgate.loopback import Server

if TYPE_CHECKING:
    from collections.abc import Callable
from typing import Any


def client_of(server: Server, service: Any, region: str = "us-east-1", read_timeout: float = 20):
    """An unmodified boto3 client that calls once and never retries."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=server.url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout),
    )


def eventually(condition: Callable[[], bool], seconds: float = 3) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def drain(events):
    """The events of a stream and the exception that ended it, or None."""
    received = []
    try:
        for event in events:
            received.append(event)  # noqa: PERF402 -- list() would lose the events before an exception
    except Exception as error:
        return received, error
    finally:
        events.close()
    return received, None


@pytest.fixture(scope="session")
def app():
    return create_app(Bedrock())


@pytest.fixture(scope="session")
def server(app):
    """One server for all tests: starting and ending one takes longer than a test."""
    server = Server(app)
    yield server
    server.close()


@pytest.fixture
def bedrock(app) -> Bedrock:
    """A new, empty embedded Bedrock behind the server."""
    app.state.bedrock = bedrock = Bedrock()
    return bedrock


@pytest.fixture(scope="session")
def runtime(server: Server):
    client = client_of(server, "bedrock-runtime")
    yield client
    client.close()


@pytest.fixture
def control(server: Server):
    """The control interface over HTTP."""
    with httpx.Client(base_url=f"{server.url}/_tollgate") as client:
        yield client
