"""InvokeModelWithResponseStream, seen through boto3."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.emulators.bedrock.conftest import drain, eventually
from tests.emulators.bedrock.load import completions

pytestmark = pytest.mark.path

CHAT = {"messages": [{"role": "user", "content": "one two"}], "max_tokens": 50}


def stream(runtime, arn, body):
    return runtime.invoke_model_with_response_stream(modelId=arn, body=json.dumps(body))["body"]


def chunks(runtime, arn, body):
    return [json.loads(event["chunk"]["bytes"]) for event in stream(runtime, arn, body)]


def test_a_chat_streams_its_role_then_content_then_the_finish_reason(bedrock, runtime):
    received = chunks(runtime, bedrock.register("apexguru"), CHAT)
    deltas = [chunk["choices"][0]["delta"] for chunk in received]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert [delta.get("content") for delta in deltas[1:]] == ["echo:", " one", " two", None]
    assert received[-1]["choices"][0]["finish_reason"] == "stop"
    assert {chunk["object"] for chunk in received} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in received}) == 1


def test_a_stream_with_include_usage_ends_with_a_usage_chunk(bedrock, runtime):
    body = CHAT | {"stream_options": {"include_usage": True}}
    last = chunks(runtime, bedrock.register("apexguru"), body)[-1]
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_the_last_chunk_carries_the_services_metrics(bedrock, runtime):
    *before, last = chunks(runtime, bedrock.register("apexguru"), CHAT)
    metrics = last["amazon-bedrock-invocationMetrics"]
    assert (metrics["inputTokenCount"], metrics["outputTokenCount"]) == (2, 3)
    assert all("amazon-bedrock-invocationMetrics" not in chunk for chunk in before)


@pytest.mark.parametrize(
    "body_format, body, text_of",
    [
        ("openai", {"prompt": "a b", "max_tokens": 9}, lambda chunk: chunk["choices"][0]["text"]),
        ("openai", {"prompt": "a b"}, lambda chunk: chunk["generation"]),
        ("bedrock", {"prompt": "a b", "max_gen_len": 9}, lambda chunk: chunk["generation"]),
        ("mistral", {"prompt": "a b", "max_tokens": 9}, lambda chunk: chunk["outputs"][0]["text"]),
    ],
)
def test_each_body_format_streams_its_own_chunks(bedrock, runtime, body_format, body, text_of):
    arn = bedrock.register("model", architecture="llama", body_format=body_format)
    received = chunks(runtime, arn, body)
    assert "".join(map(text_of, received)) == "echo: a b"
    assert len(received) == 4


def test_chunks_of_bedrocks_own_format_count_tokens(bedrock, runtime):
    arn = bedrock.register("model", architecture="llama", body_format="bedrock")
    received = chunks(runtime, arn, {"prompt": "a b"})
    assert [chunk["prompt_token_count"] for chunk in received] == [2, None, None, None]
    assert [chunk["generation_token_count"] for chunk in received] == [1, 2, 3, 3]
    assert [chunk["stop_reason"] for chunk in received] == [None, None, None, "stop"]


@pytest.mark.alone
def test_tokens_arrive_one_by_one(bedrock, runtime):
    arn = bedrock.register("slow")
    bedrock.set_faults("slow", seconds_per_token=0.05)
    first_token, second, third, _ = (time.monotonic() for _ in chunk_events(runtime, arn))
    assert second - first_token > 0.03
    assert third - second > 0.03


def chunk_events(runtime, arn):
    """The events of a chat after the first, which brings only the role."""
    events = iter(stream(runtime, arn, CHAT))
    next(events)
    return events


def test_an_error_before_the_first_token_is_an_http_status(bedrock, runtime):
    arn = bedrock.register("cold")
    bedrock.set_faults("cold", steps=[{"error": "ModelNotReadyException"}])
    with pytest.raises(ClientError) as caught:
        stream(runtime, arn, CHAT)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert bedrock.model("cold").traffic.errors == {"ModelNotReadyException": 1}


@pytest.mark.parametrize(
    "code, member",
    [
        ("ThrottlingException", "throttlingException"),
        ("ServiceUnavailableException", "serviceUnavailableException"),
        ("InternalServerException", "internalServerException"),
        ("ModelTimeoutException", "modelTimeoutException"),
        ("ValidationException", "validationException"),
        ("ModelStreamErrorException", "modelStreamErrorException"),
        ("ModelErrorException", "modelStreamErrorException"),
        ("AccessDeniedException", "internalServerException"),
    ],
)
def test_an_error_after_tokens_is_an_exception_in_the_stream(bedrock, runtime, code, member):
    arn = bedrock.register("failing")
    bedrock.set_faults("failing", steps=[{"error": code, "message": "enough", "after_tokens": 2}])
    received, error = drain(stream(runtime, arn, CHAT))
    assert isinstance(error, EventStreamError)
    assert error.response["Error"] == {"Code": member, "Message": "enough"}
    assert len(received) == 3  # the role and two tokens


def test_a_client_that_leaves_closes_its_stream(bedrock, runtime):
    arn = bedrock.register("slow")
    bedrock.set_faults("slow", seconds_per_token=0.02)
    traffic = bedrock.model("slow").traffic
    events = stream(runtime, arn, {"prompt": "word " * 500, "max_tokens": 500})
    next(iter(events))
    assert (traffic.in_flight, traffic.open_streams) == (1, 1)
    events.close()
    assert eventually(lambda: traffic.in_flight == 0)
    assert (traffic.open_streams, traffic.streams_closed_by_client) == (0, 1)


def test_a_client_that_leaves_before_the_first_token_ends_the_invocation(bedrock, server):
    arn = bedrock.register("stalled")
    bedrock.set_faults("stalled", steps=[{"delay_seconds": 60}])
    traffic = bedrock.model("stalled").traffic
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/model/{arn}/invoke-with-response-stream", json=CHAT, timeout=0.2)
    assert eventually(lambda: traffic.in_flight == 0)
    assert traffic.streams_closed_by_client == 1


def test_two_hundred_slow_streams_at_once_each_get_their_own_answer(bedrock, server):
    arn = bedrock.register("busy")
    bedrock.set_faults("busy", seconds_per_token=0.05)
    prompts = [f"caller {number} said this and that and more" for number in range(200)]
    assert completions(server.url, arn, prompts) == [f"echo: {prompt}" for prompt in prompts]
    traffic = bedrock.model("busy").traffic
    assert (traffic.invocations, traffic.in_flight, traffic.open_streams) == (200, 0, 0)
    assert traffic.most_in_flight == 200
