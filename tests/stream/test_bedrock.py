"""Bedrock's answers and errors, as the adapter reads them."""

from __future__ import annotations

import asyncio
import base64
import json

import botocore.session
import pytest

from streaming.aws.bedrock import BedrockModel
from tests.stream.upstream import BytesService, frames, http
from tollgate.emulators.bedrock import eventstream
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.pipeline.before_model import Invocation

ERROR = {":message-type": "error", ":error-code": "InternalServerException"}
INVOCATION = Invocation("arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl", {"prompt": "é"})


def stream(answer: bytes):
    async def run():
        batches = BedrockModel(BytesService([answer])).stream(INVOCATION)
        return [event async for batch in batches for event in batch]

    return asyncio.run(run())


def invoke(answer: bytes):
    return asyncio.run(BedrockModel(BytesService([answer])).invoke(INVOCATION))


def code_of(call, answer):
    with pytest.raises(ApiError) as caught:
        call(answer)
    return caught.value.code


def test_requests_are_the_operations_of_the_services_model():
    operations = botocore.session.get_session().get_service_model("bedrock-runtime")
    service = BytesService([http(b"{}")], [http(frames([{}]))])

    async def run():
        model = BedrockModel(service)
        await model.invoke(INVOCATION)
        return [batch async for batch in model.stream(INVOCATION)]

    asyncio.run(run())

    for (path, headers, body), name in zip(
        service.requests, ("InvokeModel", "InvokeModelWithResponseStream"), strict=True
    ):
        operation = operations.operation_model(name)
        model_id = INVOCATION.model_id.replace(":", "%3A").replace("/", "%2F")
        assert path == operation.http["requestUri"].replace("{modelId}", model_id)
        members = {m.serialization["name"].lower() for m in operation.input_shape.members.values() if m.serialization}
        assert {header for header in headers if header.startswith("x-amzn")} <= members
        assert body == '{"prompt":"é"}'.encode()


def encoded_again(event):
    """A chunk's bytes as one client of an imported model finds them: base64 in JSON in base64 in JSON."""
    return json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcdef"}).encode()


def test_chunks_that_are_encoded_twice_are_read():
    events = [{"generation": "é"}, {"bytes": "a model's own field", "index": 0}]
    data = b"".join(eventstream.chunk(encoded_again(event)) for event in events) + frames(events)

    assert stream(http(data)) == events * 2


def test_other_kinds_of_events_are_passed_over():
    data = eventstream.event("heartbeat", {}) + frames([{"a": 1}])

    assert stream(http(data)) == [{"a": 1}]


def test_events_that_came_together_before_an_error_are_given_together_and_then_the_error():
    data = frames([{"a": 1}, {"a": 2}]) + eventstream.exception("throttlingException", {})
    batches = []

    async def run():
        async for batch in BedrockModel(BytesService([http(data)])).stream(INVOCATION):
            batches.append(batch)

    with pytest.raises(ApiError) as caught:
        asyncio.run(run())
    assert caught.value.code == "model_throttled"
    assert batches == [[{"a": 1}, {"a": 2}]]


def test_every_error_of_both_operations_has_a_code_of_its_own():
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    names = {
        shape.name
        for name in ("InvokeModel", "InvokeModelWithResponseStream")
        for shape in model.operation_model(name).error_shapes
    }
    assert len(names) > 8
    for name in names:
        for call in (invoke, stream):
            answer = http(b"{}", 400, f"x-amzn-errortype: {name}:http://internal.amazon.com/\r\n")
            assert code_of(call, answer) != "internal_error", name


def test_every_error_in_a_stream_has_a_code_of_its_own():
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    members = model.operation_model("InvokeModelWithResponseStream").output_shape.members["body"].members
    exceptions = [name for name in members if name.endswith("Exception")]
    assert len(exceptions) > 4
    for name in exceptions:
        assert code_of(stream, http(eventstream.exception(name, {}))) != "internal_error", name


@pytest.mark.parametrize(
    "answer, code",
    [
        (http(b"<html>", 503), "model_unavailable"),
        (http(b"<html>", 429), "model_throttled"),
        (http(b'{"__type": "x#ModelNotReadyException"}', 429), "model_not_ready"),
        (http(b"{}", 418), "internal_error"),
        (http(b"no JSON"), "model_error"),
        (http(b"{}")[:-1], "model_unavailable"),
        (b"", "model_unavailable"),
    ],
)
def test_other_failures_of_an_answer(answer, code):
    assert code_of(invoke, answer) == code


@pytest.mark.parametrize(
    "data, code",
    [
        (eventstream.chunk(b"no JSON"), "model_error"),
        (eventstream.event("chunk", {"bytes": 1}), "model_error"),
        (eventstream.chunk(b'{"bytes": "e30"}'), "model_error"),
        (eventstream.chunk(b'{"bytes": 1}'), "model_error"),
        (eventstream.event("chunk", {}), "model_error"),
        (eventstream.frame(ERROR, b""), "model_unavailable"),
        (b"\x00" * 16, "model_error"),
        (eventstream.chunk(b"{}")[:-1], "model_error"),
    ],
)
def test_other_failures_of_a_stream(data, code):
    assert code_of(stream, http(data)) == code
