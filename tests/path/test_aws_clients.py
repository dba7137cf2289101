"""Unmodified clients of SageMaker's and Bedrock's runtimes, pointed at Tollgate by their environment alone."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.path

CODE = "public class A { void f() { for (Account a : as) { update a; } } }"
INPUTS = json.dumps({"inputs": CODE, "parameters": {"max_new_tokens": 5}})


def client_of(service, url, key, mode="standard"):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key="not-looked-at",
        config=Config(retries={"mode": mode, "total_max_attempts": 3}),
    )


@pytest.fixture(scope="module")
def sagemaker(local):
    client = client_of("sagemaker-runtime", local.url, local.key)
    yield client
    client.close()


@pytest.fixture(scope="module")
def bedrock(local):
    client = client_of("bedrock-runtime", local.url, local.key)
    yield client
    client.close()


@pytest.fixture
def failing(local):
    """A model that fails on demand, and how often it is invoked."""
    name = "failing-endpoint"
    if name not in [model.name for model in local.bedrock.models()]:
        arn = local.bedrock.register(name=name, engine="echo")
        variant = {"name": "v1", "model_id": arn, "body_format": "openai", "chat_template": "chatml"}
        local.put_record({"model": name, "variants": [variant]})
    yield local.bedrock.model(name)
    local.bedrock.set_faults(name)


def test_one_environment_variable_is_enough_where_the_key_stands_in_its_path(local, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"{local.url}/k/{local.key}")
    client = boto3.client(
        "sagemaker-runtime", region_name="us-east-1", aws_access_key_id="AKIA", aws_secret_access_key="x"
    )

    answer = client.invoke_endpoint(EndpointName="ApexGuru", Body=INPUTS)

    assert "generated_text" in json.loads(answer["Body"].read())[0]
    client.close()


def test_an_endpoint_answers_with_its_headers(sagemaker):
    chat = json.dumps({"messages": [{"role": "user", "content": CODE}], "max_tokens": 5})

    answer = sagemaker.invoke_endpoint(
        EndpointName="apexguru", Body=chat, TargetVariant="local", CustomAttributes="trace='1'"
    )

    assert answer["InvokedProductionVariant"] == "local"
    assert answer["CustomAttributes"] == "trace='1'"
    assert answer["ResponseMetadata"]["RequestId"]
    assert json.loads(answer["Body"].read())["object"] == "chat.completion"


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "text/csv"])
def test_a_body_is_taken_whatever_it_is_declared_as(sagemaker, content_type):
    answer = sagemaker.invoke_endpoint(EndpointName="apexguru", Body=INPUTS, ContentType=content_type)

    assert answer["Body"].read().startswith(b'[{"generated_text"')


def test_an_endpoint_streams(sagemaker):
    answer = sagemaker.invoke_endpoint_with_response_stream(EndpointName="apexguru", Body=INPUTS)

    text = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"]).decode()

    assert answer["ContentType"] == "text/event-stream"
    last = json.loads(text.strip().split("\n\n")[-1].removeprefix("data:"))
    assert last["details"]["generated_tokens"] == 5


def test_bedrocks_operations_answer(bedrock):
    messages = [{"role": "user", "content": [{"text": CODE}]}]
    config = {"maxTokens": 5}

    whole = bedrock.converse(modelId="apexguru", messages=messages, inferenceConfig=config)
    events = list(bedrock.converse_stream(modelId="apexguru", messages=messages, inferenceConfig=config)["stream"])
    invoked = json.loads(
        bedrock.invoke_model(modelId="apexguru", body='{"prompt": "x", "max_gen_len": 5}')["body"].read()
    )
    chunks = list(
        bedrock.invoke_model_with_response_stream(modelId="apexguru", body='{"prompt": "x", "max_tokens": 5}')["body"]
    )

    assert whole["output"]["message"]["content"][0]["text"]
    assert next(iter(events[-1])) == "metadata"
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert text == whole["output"]["message"]["content"][0]["text"]
    assert invoked["generation_token_count"] == 5
    assert b"amazon-bedrock-invocationMetrics" in chunks[-1]["chunk"]["bytes"]


def test_a_model_that_bedrocks_own_converse_refuses_is_served(local, bedrock):
    # GIVEN an imported Qwen, to which Converse says no
    arn = local.bedrock.model("apexguru").arn
    own = client_of("bedrock-runtime", local.bedrock_url, "any")
    messages = [{"role": "user", "content": [{"text": "x"}]}]
    with pytest.raises(ClientError, match="doesn't support the model"):
        own.converse(modelId=str(arn), messages=messages)
    own.close()

    assert bedrock.converse(modelId="apexguru", messages=messages, inferenceConfig={"maxTokens": 3})["stopReason"]


@pytest.mark.parametrize("service", ["sagemaker-runtime", "bedrock-runtime"])
def test_a_wrong_key_is_refused_in_words(local, service):
    client = client_of(service, local.url, "wrong")

    def call():
        if service == "sagemaker-runtime":
            return client.invoke_endpoint(EndpointName="apexguru", Body=INPUTS)
        return client.converse(modelId="apexguru", messages=[{"role": "user", "content": [{"text": "x"}]}])

    with pytest.raises(ClientError) as caught:
        call()

    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] in (401, 403)
    assert "key" in error["Error"]["Message"]
    client.close()


@pytest.mark.parametrize(
    "fault, name, invocations",
    [
        # What the model was asked for once is not asked for again by the client, though botocore may try three times.
        ({"error": "ModelErrorException", "times": None}, "ModelError", 1),
        ({"error": "ValidationException", "times": None}, "ModelError", 1),
        ({"error": "ThrottlingException", "times": None}, "ThrottlingException", 3),
    ],
)
def test_a_failure_is_repeated_only_where_that_can_help(local, failing, sagemaker, fault, name, invocations):
    local.bedrock.set_faults("failing-endpoint", steps=[fault])
    before = failing.traffic.invocations

    with pytest.raises(ClientError) as caught:
        sagemaker.invoke_endpoint(EndpointName="failing-endpoint", Body=INPUTS)

    assert caught.value.response["Error"]["Code"] == name
    assert caught.value.response["Error"]["Message"]
    assert failing.traffic.invocations - before == invocations


def test_a_body_that_is_too_large_is_refused_in_words(sagemaker):
    with pytest.raises(ClientError) as caught:
        sagemaker.invoke_endpoint(EndpointName="apexguru", Body=json.dumps({"inputs": "x" * 300_000}))

    assert caught.value.response["Error"]["Message"]
