"""SageMaker's runtime in front of the same engines, for unmodified boto3 clients; judged by botocore's model of it."""

from __future__ import annotations

import json

import botocore.session
import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.emulators.bedrock.conftest import client_of, drain

pytestmark = pytest.mark.path

INPUTS = {"inputs": "Hello there", "parameters": {"max_new_tokens": 20, "details": True}}
CHAT = {"messages": [{"role": "user", "content": "Hello there"}], "max_tokens": 20}
MODEL = botocore.session.get_session().get_service_model("sagemaker-runtime")


@pytest.fixture(scope="module")
def endpoints(server):
    client = client_of(server, "sagemaker-runtime")
    yield client
    client.close()


def ask(endpoints, body, name="prod"):
    answer = endpoints.invoke_endpoint(EndpointName=name, Body=json.dumps(body), ContentType="application/json")
    return answer, json.loads(answer["Body"].read())


def stream(endpoints, body, name="prod"):
    """The container's own bytes, joined, and the exception that ended the stream, or None."""
    answer = endpoints.invoke_endpoint_with_response_stream(
        EndpointName=name, Body=json.dumps({**body, "stream": True})
    )
    events, error = drain(answer["Body"])
    return b"".join(event["PayloadPart"]["Bytes"] for event in events).decode(), error


@pytest.mark.parametrize(
    "body_format, body, text_of",
    [
        ("tgi", INPUTS, lambda answer: answer[0]["generated_text"]),
        ("lmi", INPUTS, lambda answer: answer["generated_text"]),
        ("openai", CHAT, lambda answer: answer["choices"][0]["message"]["content"]),
    ],
)
def test_a_container_answers_in_its_own_shape(bedrock, endpoints, body_format, body, text_of):
    bedrock.register("prod", body_format=body_format)

    answer, document = ask(endpoints, body)

    assert text_of(document) == "echo: Hello there"
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"


def test_openais_and_tgis_streams_are_server_sent_events_and_lmis_lines(bedrock, endpoints):
    for body_format in ("openai", "tgi", "lmi"):
        bedrock.register(f"prod-{body_format}", body_format=body_format)

    openai, _ = stream(endpoints, CHAT, "prod-openai")
    tgi, _ = stream(endpoints, INPUTS, "prod-tgi")
    lmi, _ = stream(endpoints, INPUTS, "prod-lmi")

    assert openai.startswith("data: {")
    assert openai.endswith("data: [DONE]\n\n")
    tgi_events = [json.loads(line.removeprefix("data: ")) for line in tgi.splitlines() if line]
    lmi_events = [json.loads(line) for line in lmi.splitlines()]
    for events, spelling in ((tgi_events, "logprob"), (lmi_events, "log_prob")):
        said = "".join(event["token"]["text"] for event in events if not event["token"]["special"])
        assert said == events[-1]["generated_text"] == "echo: Hello there"
        assert events[-1]["details"]["finish_reason"] == "eos_token"
        assert all(spelling in event["token"] for event in events)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "fault, code",
    [
        ("ModelErrorException", "ModelError"),
        ("ValidationException", "ModelError"),
        ("ModelNotReadyException", "ModelNotReadyException"),
        ("InternalServerException", "InternalFailure"),
        ("ServiceUnavailableException", "ServiceUnavailable"),
        ("ServiceQuotaExceededException", "ValidationError"),
    ],
)
def test_a_failure_has_the_name_and_the_status_of_sagemakers_own(bedrock, endpoints, streams, fault, code):
    bedrock.register("prod", body_format="tgi")
    bedrock.set_faults("prod", steps=[{"error": fault, "message": "why", "times": None}])

    with pytest.raises(ClientError) as caught:
        (stream if streams else ask)(endpoints, INPUTS)

    response = caught.value.response
    shapes = MODEL.operation_model("InvokeEndpoint").error_shapes
    statuses = {shape.error_code: shape.metadata["error"]["httpStatusCode"] for shape in shapes}
    assert response["Error"]["Code"] == code
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == statuses[code]
    if code == "ModelError":
        original = 400 if fault == "ValidationException" else 500
        assert response["OriginalStatusCode"] == original
        assert f"error ({original})" in response["Error"]["Message"]


def test_an_endpoint_that_is_not_there_and_one_at_zero_have_one_name(bedrock, endpoints):
    bedrock.register("prod", body_format="tgi")
    bedrock.set_faults("prod", steps=[{"error": "ServiceQuotaExceededException", "times": None}])

    told = []
    for name in ("nobody", "prod"):
        with pytest.raises(endpoints.exceptions.ValidationError) as caught:
            ask(endpoints, INPUTS, name)
        told.append(caught.value.response["Error"]["Message"])

    assert "not found" in told[0]
    assert "no capacity" in told[1]


def test_a_stream_that_breaks_ends_with_an_exception_of_the_operations(bedrock, endpoints):
    bedrock.register("prod", body_format="tgi")
    bedrock.set_faults("prod", steps=[{"error": "ModelErrorException", "after_tokens": 1}])

    said, error = stream(endpoints, INPUTS)

    assert said
    assert isinstance(error, EventStreamError)
    assert error.response["Error"]["Code"] == "ModelStreamError"


@pytest.mark.parametrize(
    "body, told",
    [
        ({"inputs": "x", "parameters": {"unheard_of": 1}}, "unheard_of"),
        ({"inputs": 5}, "inputs"),
        ({"prompt": "x"}, "prompt"),
    ],
)
def test_a_container_refuses_what_it_does_not_know(bedrock, endpoints, body, told):
    bedrock.register("prod", body_format="tgi")

    with pytest.raises(endpoints.exceptions.ModelError, match=told):
        ask(endpoints, body)
