"""How often an unmodified client of SageMaker's runtime repeats what failed, and which class it raises."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.path

NAME = "often-asked"
INPUTS = json.dumps({"inputs": "x", "parameters": {"max_new_tokens": 5}})
FOR_EVER = {"times": None}
THREE_TIMES = 3


@pytest.fixture(scope="module")
def local(stack):
    """A running stack with a model that fails on demand."""
    arn = stack.local.bedrock.register(name=NAME, engine="echo")
    variant = {"name": "v1", "model_id": arn, "body_format": "openai", "chat_template": "chatml"}
    stack.local.put_record({"model": NAME, "variants": [variant]})
    return stack.local


@pytest.fixture(scope="module")
def client(local):
    """A client that asks three times where that can help, as botocore does unless it is told otherwise."""
    client = boto3.client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=local.url,
        aws_access_key_id=local.key,
        aws_secret_access_key="not-looked-at",
        config=Config(retries={"mode": "standard", "total_max_attempts": THREE_TIMES}),
    )
    yield client
    client.close()


@pytest.mark.parametrize(
    "fault, name, original_status, requests",
    [
        ({"error": "ModelErrorException"}, "ModelError", 500, 1),
        ({"error": "ValidationException"}, "ModelError", 400, 1),
        ({"error": "AccessDeniedException"}, "ModelError", 500, 1),
        ({"error": "ModelNotReadyException"}, "ModelNotReadyException", None, 1),
        ({"error": "ThrottlingException"}, "ThrottlingException", None, THREE_TIMES),
        ({"error": "ServiceUnavailableException"}, "ServiceUnavailable", None, THREE_TIMES),
    ],
)
def test_a_client_repeats_only_what_can_help(local, client, fault, name, original_status, requests):
    local.bedrock.set_faults(NAME, steps=[{**fault, **FOR_EVER}])
    try:
        with pytest.raises(ClientError) as caught:
            client.invoke_endpoint(EndpointName=NAME, Body=INPUTS)
    finally:
        local.bedrock.set_faults(NAME)

    response = caught.value.response
    assert response["Error"]["Code"] == name
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["RetryAttempts"] == requests - 1
    assert response.get("OriginalStatusCode") == original_status


def test_a_model_that_is_too_slow_is_invoked_once(local, client):
    """A model that did not answer in time may have been paid for: nobody must ask for it again."""
    local.bedrock.set_faults(NAME, steps=[{"delay_seconds": 9, **FOR_EVER}])
    before = local.bedrock.model(NAME).traffic.invocations
    try:
        with pytest.raises(client.exceptions.ModelError) as caught:
            client.invoke_endpoint(EndpointName=NAME, Body=INPUTS)
    finally:
        local.bedrock.set_faults(NAME)

    assert caught.value.response["OriginalStatusCode"] == 0
    assert local.bedrock.model(NAME).traffic.invocations - before == 1
