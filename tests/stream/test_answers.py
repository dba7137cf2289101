"""What a client gets for its request, from an application around fakes."""

from __future__ import annotations

import json

import pytest

from tests.stream.asgi import COMPLETIONS
from tests.stream.conftest import HELLO, STREAM, record
from tests.stream.fakes import FakeModel, answer, chunk
from tollgate_layer.inference.failures.errors import ApiError


def test_a_stream_is_openais_chunks_from_role_to_done(ask):
    received = ask(FakeModel([chunk("Hel"), chunk("lo"), chunk("", "stop")]))

    *chunks, done = received.events
    assert (received.status, received.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert [c["choices"][0]["delta"] for c in chunks] == [
        {"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}, {}]  # fmt: skip
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, None, "stop"]
    assert done == "[DONE]"
    assert received.complete


def test_each_event_is_sent_when_it_comes(ask):
    received = ask(FakeModel([chunk("a"), 0.05, chunk("b"), 0.05, chunk("", "stop")]))

    first, second, third, *_ = received.times
    assert second - first > 0.03
    assert third - second > 0.03


def test_all_chunks_have_one_id_and_one_time_also_when_the_model_was_invoked_again(ask):
    model = FakeModel([ApiError("model_unavailable")], [chunk("a"), chunk("b", "stop")])

    received = ask(model, headers={"x-amzn-request-context": '{"requestId": "r-7"}'})

    chunks = received.events[:-1]
    assert {c["id"] for c in chunks} == {"chatcmpl-r-7"}
    assert len({c["created"] for c in chunks}) == 1
    assert len(model.invocations) == 2


def test_usage_is_sent_where_it_is_asked_for(ask):
    last = chunk("a", "stop") | {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}

    received = ask(FakeModel([last]), STREAM | {"stream_options": {"include_usage": True}})

    assert received.events[-2]["usage"] == {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}


def test_a_request_without_stream_gets_one_answer(ask):
    received = ask(FakeModel([answer("Hello there")]), HELLO)

    assert (received.status, received.headers["content-type"]) == (200, "application/json")
    assert received.json["choices"][0]["message"]["content"] == "Hello there"
    assert int(received.headers["content-length"]) == len(received.pieces[0])


def test_text_completions_stream_too(ask):
    event = {"choices": [{"index": 0, "text": "Once", "finish_reason": "length"}]}

    received = ask(FakeModel([event]), {"model": "m", "prompt": "Tell", "stream": True}, COMPLETIONS)

    assert received.events[0]["object"] == "text_completion"
    assert received.events[0]["choices"][0]["text"] == "Once"


def test_a_stop_sequence_that_the_model_does_not_know_ends_the_invocation_at_once(ask):
    # GIVEN a body format without stop sequences, and a model that would go on
    model = FakeModel([{"generation": "Hello EN"}, {"generation": "D and on"}, 60, {"generation": "never"}])
    records = {"m": record(body_format="bedrock")}

    received = ask(model, {"model": "m", "prompt": "x", "stop": "END", "stream": True}, COMPLETIONS, records=records)

    # THEN the text is cut across events, and the model's stream is closed
    assert "".join(event["choices"][0]["text"] for event in received.events[:-1]) == "Hello "
    assert received.events[-1] == "[DONE]"
    assert (model.open, model.closed_early) == (0, 1)


@pytest.mark.parametrize("code, status", [("model_throttled", 429), ("model_error", 502), ("timeout", 504)])
def test_a_failure_before_the_first_token_is_an_http_status_at_once(ask, code, status):
    model = FakeModel([ApiError(code)])

    received = ask(model)

    assert received.status == status
    assert received.headers["content-type"] == "application/json"
    assert received.json["error"]["code"] == code
    assert received.headers.get("retry-after") == ("5" if code == "model_throttled" else None)
    assert len(model.invocations) == 1


def test_a_failure_after_tokens_is_an_error_event_and_the_end(ask):
    received = ask(FakeModel([chunk("Hel"), ApiError("model_unavailable"), chunk("lo", "stop")]))

    assert received.status == 200
    assert received.content == "Hel"
    assert received.events[-1]["error"]["code"] == "model_unavailable"
    assert "[DONE]" not in received.text
    assert received.complete


@pytest.mark.parametrize("events, status", [([], 502), ([chunk("", None)], 502), ([chunk("Hel")], 200)])
def test_a_stream_that_ends_without_a_stop_reason_is_an_error_not_an_answer(ask, events, status):
    received = ask(FakeModel(events))

    error = received.events[-1] if status == 200 else received.json
    assert received.status == status
    assert error["error"]["code"] == "model_error"


def test_an_event_that_cannot_be_read_is_a_model_error(ask):
    received = ask(FakeModel([chunk("a"), {"choices": "none"}]))

    assert received.content == "a"
    assert received.events[-1]["error"]["code"] == "model_error"


def test_a_failure_of_the_records_is_answered(ask):
    received = ask(FakeModel(), records={"m": ApiError("model_unavailable")})

    assert (received.status, received.json["error"]["code"]) == (503, "model_unavailable")


def test_a_bug_is_a_500_that_tells_nothing_but_its_place_in_the_log(ask, log):
    received = ask(FakeModel([ValueError("a secret prompt")]))

    assert (received.status, received.json["error"]["code"]) == (500, "internal_error")
    assert "secret" not in received.text + log.text
    bug = next(line for line in log.lines if line["message"] == "bug")
    assert bug["exception_name"] == "ValueError"
    assert "fakes.py" in bug["location_of_exception"]


def test_a_prompt_of_megabytes_is_taken(ask):
    body = HELLO | {"messages": [{"role": "user", "content": "word " * 1_000_000}]}

    assert ask(FakeModel([answer("ok")]), body).status == 200


def test_the_log_has_one_line_with_times_and_counts_and_no_text(ask, log):
    last = chunk("", "stop") | {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    context = json.dumps({"requestId": "r-1", "identity": {"apiKeyId": "k-1"}})

    ask(FakeModel([0.02, chunk("confidential"), 0.02, last]), headers={"x-amzn-request-context": context})

    (line,) = [entry for entry in log.lines if entry["message"] == "request"]
    expected = {"request_id": "r-1", "key_id": "k-1", "model": "m", "status": 200, "attempts": 1, "prompt_tokens": 3}
    assert line.items() >= expected.items()
    assert 0.02 <= line["time_to_first_token_s"] < line["time_to_last_token_s"] <= line["duration_s"]
    assert "confidential" not in log.text
    assert "Hello" not in log.text


def test_a_failed_stream_logs_how_far_it_came(ask, log):
    ask(FakeModel([chunk("four"), ApiError("model_error")]))

    (line,) = log.lines
    assert line.items() >= {"status": 502, "code": "model_error", "completion_length": 4}.items()


@pytest.mark.parametrize("body", [HELLO, STREAM, {"model": "nobody"}])
def test_the_log_is_written_before_the_answer_ends(ask, log, body):
    # Lambda may stop the process as soon as the answer has ended.
    lines_at_the_end = []
    model = FakeModel([answer("ok") if body is HELLO else chunk("ok", "stop")])

    ask(model, body, on_end=lambda: lines_at_the_end.append(len(log.lines)))

    assert lines_at_the_end == [1]
