"""Whatever a model's server answers, its client gets a completion or a `model_error`, and one log line says which."""

from __future__ import annotations

import json

import pytest

from tests.stream.hostile import KINDS, ask_stream_path, mutants, step_path, streamed, whole  # noqa: F401 -- a fixture
from tollgate_layer.inference.answer_reader import FINISH_REASONS, OTHER

pytestmark = pytest.mark.uncounted

CHAT = KINDS[0]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
HALF = "\ud83d"


def assert_sound_usage(usage):
    if usage is not None:
        assert all(isinstance(count, int) and count >= 0 for count in usage.values()), usage


def assert_one_log_line(lines, status, answer):
    (line,) = [line for line in lines if line.get("message") == "request"]
    assert line["status"] == status, answer
    assert line.get("code") == ("model_error" if status == 502 else None), answer
    assert {*line.get("stop_reasons", [])} <= {*FINISH_REASONS, OTHER, ""}
    assert [line for line in lines if line.get("message") == "bug"] == [], answer


def assert_completion_or_model_error(status, text, answer):
    """A whole response; the answer is told where it is not so."""
    assert status in (200, 502), answer
    body = json.loads(text)
    if status == 502:
        assert body["error"]["code"] == "model_error", answer
        return
    assert body["choices"], answer
    assert_sound_usage(body["usage"])
    for choice in body["choices"]:
        assert isinstance(choice["index"], int)
        assert choice["finish_reason"] in ("stop", "length", "tool_calls", "content_filter")
        for call in (choice.get("message") or {}).get("tool_calls", ()):
            assert all(isinstance(text, str) and text for text in (call["id"], *call["function"].values())), answer


@every_kind
def test_a_whole_answer_on_the_step_path(kind, step_path):  # noqa: F811
    statuses = set()
    for answer in mutants(kind.whole, 1, 400):
        text = json.dumps(answer)

        response, line, metrics = step_path.complete(kind, text)

        assert_completion_or_model_error(response["status"], response["body"], text)
        assert_one_log_line([line], response["status"], text)
        assert metrics.get("Failures", 0) == (response["status"] == 502)
        statuses.add(response["status"])
    assert statuses == {200, 502}


@every_kind
def test_a_whole_answer_as_events_on_the_step_path(kind, step_path):  # noqa: F811
    for answer in mutants(kind.whole, 2, 100):
        response, _, _ = step_path.complete(kind, json.dumps(answer), stream=True)

        assert response["status"] in (200, 502), answer
        if response["status"] == 200:
            assert response["content_type"] == "text/event-stream; charset=utf-8"
            assert response["body"].endswith("data: [DONE]\n\n")


@every_kind
def test_a_whole_answer_on_the_streaming_path(kind, log):
    for answer in mutants(kind.whole, 3, 150):
        received = ask_stream_path(kind, whole(json.dumps(answer)), log)

        assert received.headers["content-type"] == "application/json"
        assert received.headers["x-request-id"]
        assert_completion_or_model_error(received.status, received.text, answer)
        assert_one_log_line(log.take(), received.status, answer)


@every_kind
def test_a_stream(kind, log):
    ends = set()
    for events in mutants(kind.events, 4, 300):
        events = events if isinstance(events, list) else [events]
        received = ask_stream_path(
            kind, streamed(map(json.dumps, events)), log, stream=True, stream_options={"include_usage": True}
        )

        assert_one_log_line(log.take(), 200 if "[DONE]" in received.text else 502, events)
        if received.status == 502:
            assert received.json["error"]["code"] == "model_error", events
            continue
        assert received.headers["content-type"] == "text/event-stream; charset=utf-8"
        last = received.events[-1]
        if last != "[DONE]":
            assert last["error"]["code"] == "model_error", events
        for event in received.events[:-1]:
            assert_sound_usage(event.get("usage"))
        ends.add(last == "[DONE]")
    assert True in ends


@every_kind
@pytest.mark.parametrize("deep", ["[" * 20_000 + "]" * 20_000, '{"a":' * 20_000 + "1" + "}" * 20_000])
def test_an_answer_that_is_nested_deeply(kind, deep, log):
    text = json.dumps(kind.whole)[:-1] + f', "more": {deep}}}'

    received = ask_stream_path(kind, whole(text), log)
    assert (received.status, received.json["error"]["code"]) == (502, "model_error")

    received = ask_stream_path(kind, streamed([text]), log, stream=True)
    assert (received.status, received.json["error"]["code"]) == (502, "model_error")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "Infinity", "NaN"])
def test_an_answer_with_a_number_that_json_cannot_hold(number, log, step_path):  # noqa: F811
    text = json.dumps(CHAT.whole).replace("-0.5", number, 1)

    assert ask_stream_path(CHAT, whole(text), log).status == 502
    assert step_path.complete(CHAT, text)[0]["status"] == 502


@pytest.mark.parametrize(
    "change",
    [
        {"content": f"hi {HALF}"},
        {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": f'{{"q":"{HALF}"}}'}}]},
        {"content": None, "tool_calls": [{"id": HALF, "function": {"name": f"f{HALF}", "arguments": ""}}]},
        {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"q": HALF}}}]},
        {"content": "x", "reasoning": HALF, "refusal": f"{HALF}{HALF}"},
        {"content": r'<tool_call>{"name": "f", "arguments": {"q": "\ud83d"}}</tool_call>'},
    ],
)  # fmt: skip
def test_half_a_surrogate_pair_anywhere_is_a_replacement_character(change, log, step_path):  # noqa: F811
    choice = {"index": 0, "message": change, "finish_reason": "stop"}
    choice["logprobs"] = {"content": [{"token": HALF, "logprob": -1.0, "top_logprobs": [{"token": HALF}]}]}
    text = json.dumps({"choices": [choice]})

    response, _, _ = step_path.complete(CHAT, text)
    assert response["status"] == 200
    assert "\ufffd" in response["body"]

    received = ask_stream_path(CHAT, whole(text), log)
    assert received.status == 200
    assert "\ufffd" in received.text

    choice["delta"] = choice.pop("message")
    received = ask_stream_path(CHAT, streamed([json.dumps({"choices": [choice]})]), log, stream=True)
    assert received.events[-1] == "[DONE]"
    assert "\ufffd" in received.text


@pytest.mark.parametrize("where", ["content", "reasoning_content", "refusal", "arguments"])
def test_a_character_that_is_split_over_two_chunks_is_whole(where, log):
    def delta(text):
        if where == "arguments":
            return {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": text}}]}
        return {where: text}

    pieces = ['"a\ud83d', '\ude00b"', "\ud83d"]
    events = [{"choices": [{"index": 0, "delta": delta(piece)}]} for piece in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})

    received = ask_stream_path(CHAT, streamed(map(json.dumps, events)), log, stream=True)

    *chunks, done = received.events
    assert done == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    if where == "arguments":
        deltas = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    assert "".join(delta.get(where) or "" for delta in deltas) == '"a😀b"\ufffd'


def test_line_ends_of_unicode_do_not_split_an_event(log):
    text = "one\u2028two\u0085three\u2029 ✅"
    events = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}]

    received = ask_stream_path(CHAT, streamed(map(json.dumps, events)), log, stream=True)

    assert received.content == text
    assert len(received.text.splitlines()) == len(received.text.split("\n")) - 1


def test_usage_that_cannot_be_is_not_told(log, step_path):  # noqa: F811
    for usage in ({"prompt_tokens": -5, "completion_tokens": 1}, {"prompt_tokens": True, "completion_tokens": 1},
                  {"prompt_tokens": "5", "completion_tokens": 1}, [1], "x", 5):  # fmt: skip
        text = json.dumps(CHAT.whole | {"usage": usage})

        response, _, metrics = step_path.complete(CHAT, text)

        assert json.loads(response["body"])["usage"] is None
        assert "PromptTokens" not in metrics
        assert ask_stream_path(CHAT, whole(text), log).json["usage"] is None
