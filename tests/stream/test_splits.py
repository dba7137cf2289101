"""However the upstream's bytes are split, the client gets the same bytes."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.aws.bedrock import BedrockModel
from tests.stream.asgi import CHAT, COMPLETIONS, Received, request
from tests.stream.conftest import Log, record
from tests.stream.fakes import FakeRecords, application, chunk
from tests.stream.upstream import BytesService, frames, http, split
from tollgate.emulators.bedrock import eventstream

TEXT = ["Grüße", " 🎉", "日本", "語", " END", " not shown"]
CALL = ["<tool", '_call>\n{"name": "look', 'up", "arguments": {"q": "🎉', '"}}\n</tool_', "call>"]
TOOLS = [{"type": "function", "function": {"name": "lookup"}}]
CHAT_BODY = {"messages": [{"role": "user", "content": "Hi"}]}
QWEN = {"chat_template": "qwen2.5", "tool_calls": "hermes"}


def completion_event(text, reason=None):
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason}]}


STREAMS = {
    "a chat": (record(), CHAT_BODY, [*map(chunk, TEXT), chunk("", "stop")]),
    "a text completion": (record(), {"prompt": "x"}, [*map(completion_event, TEXT), completion_event("", "length")]),
    "bedrock with a stop sequence": (
        record(body_format="bedrock"),
        {"prompt": "x", "stop": ["END"]},
        [{"generation": text, "prompt_token_count": 1, "generation_token_count": 1} for text in TEXT],
    ),
    "mistral": (
        record(body_format="mistral"),
        {"prompt": "x"},
        [{"outputs": [{"text": text, "stop_reason": "stop" if text == TEXT[-1] else None}]} for text in TEXT],
    ),
    "a tool call in text": (
        record(**QWEN),
        CHAT_BODY | {"tools": TOOLS},
        [*map(completion_event, CALL), completion_event("", "stop")],
    ),
}


def ask(record_text: str, fields: dict, pieces: list[bytes]) -> Received:
    records, model = FakeRecords({"m": record_text}), BedrockModel(BytesService(pieces))
    headers = {"x-amzn-request-context": '{"requestId": "r-1"}'}
    route = COMPLETIONS if "prompt" in fields else CHAT

    async def run() -> Received:
        app = application(records, model, Log().logger, model_wait_s=0, timeout_s=10, comment_interval_s=10)
        return await request(app, route, {"model": "m", "stream": True} | fields, headers=headers)

    return asyncio.run(run())


def text_of(received: Received) -> str:
    """All that the client got, with what depends on the clock and on a tool call's random id made equal."""
    text = received.text
    for event in received.events:
        if isinstance(event, dict) and "created" in event:
            text = text.replace(f'"created":{event["created"]}', '"created":0')
            for call in event["choices"][0].get("delta", {}).get("tool_calls", ()):
                text = text.replace(f'"id":"{call.get("id")}"', '"id":"call"')
    return text


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 2**20), max_size=40), chunk_bytes=st.integers(1, 400))
def test_any_split_gives_the_client_the_same(name, cuts, chunk_bytes):
    record_text, fields, events = STREAMS[name]
    body = frames(events)
    whole = ask(record_text, fields, [http(body)])

    received = ask(record_text, fields, split(http(body, chunk_bytes=chunk_bytes), cuts))

    assert received.status == 200
    assert whole.text.endswith("data: [DONE]\n\n")
    assert text_of(received) == text_of(whole)


def test_single_bytes_give_the_client_the_same():
    record_text, fields, events = STREAMS["a chat"]
    data = http(frames(events), chunk_bytes=1)

    received = ask(record_text, fields, [bytes([byte]) for byte in data])

    assert received.content == "".join(TEXT)


def test_a_tool_call_is_a_tool_call():
    record_text, fields, events = STREAMS["a tool call in text"]

    received = ask(record_text, fields, [http(frames(events))])

    deltas = [event["choices"][0]["delta"] for event in received.events[:-1]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert calls[0]["function"]["name"] == "lookup"
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"q": "🎉"}
    assert received.events[-2]["choices"][0]["finish_reason"] == "tool_calls"


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 2**20), max_size=20))
def test_tokens_before_an_error_frame_reach_the_client_however_it_is_split(cuts):
    failure = eventstream.exception("throttlingException", {"message": "enough"})
    data = http(frames([chunk("one"), chunk(" two")]) + failure)

    received = ask(record(), CHAT_BODY, split(data, cuts))

    assert received.content == "one two"
    assert received.events[-1]["error"]["code"] == "model_throttled"


@settings(max_examples=60, deadline=None)
@given(keep=st.integers(0, 2**20))
def test_a_stream_that_breaks_anywhere_is_an_error_and_never_a_complete_answer(keep):
    data = http(frames([*map(chunk, TEXT), chunk("", "stop")]), chunk_bytes=50)

    # Before the last seven bytes: they are HTTP's own end, and what came before them is a complete answer.
    received = ask(record(), CHAT_BODY, [data[: keep % (len(data) - 7)]])

    error = received.events[-1] if received.status == 200 else received.json
    assert error["error"]["code"] in ("model_error", "model_unavailable")
    assert "[DONE]" not in received.text
    assert "".join(TEXT).startswith(received.content if received.status == 200 else "")


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 2**20), bit=st.integers(0, 7))
def test_a_damaged_frame_never_becomes_text(at, bit):
    body = bytearray(frames([chunk("one"), chunk(" two", "stop")]))
    body[at % len(body)] ^= 1 << bit

    received = ask(record(), CHAT_BODY, [http(bytes(body))])

    assert received.status in (200, 502)
    assert received.status == 502 or received.content in ("one", "one two")
    assert "[DONE]" not in received.text
