"""Cold models, silence, time limits, and clients that leave."""

from __future__ import annotations

import asyncio

from tests.stream.asgi import request
from tests.stream.conftest import HELLO, STREAM, record
from tests.stream.fakes import FakeModel, FakeModels, answer, chunk
from tollgate_layer.inference.failures.errors import ApiError

NOT_READY = [ApiError("model_not_ready")]


def test_a_cold_model_is_waited_for_under_comments_then_its_tokens_come(ask, log):
    model = FakeModel(NOT_READY, [0.1, ApiError("model_not_ready")], [0.1, chunk("warm", "stop")])

    received = ask(model, comment_interval_s=0.03)

    assert received.status == 200
    assert len(received.comments) >= 2
    assert received.pieces[0].startswith(b":")
    assert received.content == "warm"
    assert log.lines[-1]["attempts"] == 3


def test_a_model_that_stays_cold_is_an_error_event_once_comments_were_sent(ask):
    received = ask(FakeModel([0.1, *NOT_READY]), comment_interval_s=0.03, model_wait_s=0)

    assert received.status == 200
    assert received.events[-1]["error"]["code"] == "model_not_ready"
    assert "[DONE]" not in received.text


def test_a_model_that_stays_cold_is_a_503_while_nothing_was_sent(ask):
    received = ask(FakeModel(NOT_READY), model_wait_s=0)

    assert (received.status, received.headers["retry-after"]) == (503, "15")
    assert received.json["error"]["code"] == "model_not_ready"


def test_a_request_without_stream_waits_without_comments(ask):
    model = FakeModel(NOT_READY, [0.1, answer("warm")])

    received = ask(model, HELLO, comment_interval_s=0.01)

    assert received.json["choices"][0]["message"]["content"] == "warm"
    assert received.comments == []


def test_comments_bridge_a_pause_between_tokens_too(ask):
    received = ask(FakeModel([chunk("a"), 0.1, chunk("b", "stop")]), comment_interval_s=0.03)

    first, *others = received.pieces
    assert b'"a"' in first
    assert others[0].startswith(b":")
    assert received.content == "ab"


def test_tokens_that_come_in_time_have_no_comments_between_them(ask):
    received = ask(FakeModel([chunk("a"), 0.02, chunk("b"), 0.02, chunk("c", "stop")]), comment_interval_s=0.5)

    assert received.comments == []


def test_a_model_that_takes_too_long_is_a_timeout(ask):
    model = FakeModel([60])

    received = ask(model, timeout_s=2.05)  # two seconds of it are kept for the answer itself

    assert (received.status, received.json["error"]["code"]) == (504, "timeout")
    assert model.open == 0


def test_time_that_runs_out_between_tokens_is_an_error_event(ask):
    received = ask(FakeModel([chunk("a"), 60]), timeout_s=2.05)

    assert received.content == "a"
    assert received.events[-1]["error"]["code"] == "timeout"


def test_a_model_that_stays_cold_is_no_timeout_however_long_one_may_wait(ask):
    for body in (STREAM, HELLO):
        received = ask(FakeModel(*[NOT_READY] * 100), body, timeout_s=6, model_wait_s=300)

        assert (received.status, received.json["error"]["code"]) == (503, "model_not_ready")


def test_a_cold_model_that_is_too_slow_afterwards_is_still_not_ready(ask):
    for body in (STREAM, HELLO):
        received = ask(FakeModel(NOT_READY, [60]), body, timeout_s=3.3, model_wait_s=300)

        assert (received.status, received.json["error"]["code"]) == (503, "model_not_ready")


def test_a_model_that_has_begun_to_answer_is_ready_so_that_its_silence_is_a_timeout(ask):
    received = ask(FakeModel(NOT_READY, [chunk("a"), 60]), timeout_s=6, model_wait_s=0.5)

    assert received.events[-1]["error"]["code"] == "timeout"


def test_a_stream_that_stalls_after_its_end_ends_well(ask, log):
    for after_the_end in ([60], [ApiError("model_error")], [{"choices": []}] * 3 + [60]):
        received = ask(FakeModel([chunk("Hello"), chunk("", "stop"), *after_the_end]), timeout_s=8)

        assert (received.content, received.events[-1]) == ("Hello", "[DONE]")
        assert received.times[-1] < 3
        (line,) = log.take()
        assert (line["status"], "code" in line) == (200, False)


def test_events_without_end_after_the_end_are_not_waited_for(ask):
    received = ask(FakeModel([chunk("", "stop"), *[0.2, {"choices": [], "usage": None}] * 100]), timeout_s=9)

    assert received.events[-1] == "[DONE]"
    assert received.times[-1] < 3


def test_usage_that_comes_a_little_after_the_end_is_told(ask):
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}

    received = ask(FakeModel([chunk("a", "stop"), 0.3, usage]), STREAM | {"stream_options": {"include_usage": True}})

    assert received.events[-2]["usage"]["total_tokens"] == 4


def test_a_second_choice_is_waited_for_after_the_first_has_ended(ask):
    second = {"choices": [{"index": 1, "delta": {"content": "two"}, "finish_reason": "stop"}]}

    received = ask(FakeModel([chunk("one", "stop"), 2.3, second]), STREAM | {"n": 2}, timeout_s=8)

    assert received.content == "onetwo"
    assert received.events[-1] == "[DONE]"


def test_a_client_that_leaves_closes_the_models_stream_at_once(ask, log):
    model = FakeModel([chunk("a"), 60])

    ask(model, leave_after_pieces=1)

    assert (model.open, model.closed_early) == (0, 1)
    assert log.lines[-1].items() >= {"status": 499, "code": "client_gone", "completion_length": 1}.items()


def test_a_client_that_leaves_before_the_first_token_ends_the_invocation(ask):
    for body in (STREAM, HELLO):
        model = FakeModel([60])
        ask(model, body, leave_after_pieces=0)
        assert model.open == 0


def test_a_client_that_leaves_while_a_cold_model_loads_ends_the_waiting(ask, log):
    model = FakeModel(*[NOT_READY] * 100)

    ask(model, leave_after_pieces=1, comment_interval_s=0.02)

    assert log.lines[-1]["code"] == "client_gone"


def test_the_application_answers_others_after_clients_left(make_app):
    async def run():
        model = FakeModel(*[[chunk("a"), 60] for _ in range(20)], [chunk("b", "stop")])
        app = make_app(model)
        leaving = [request(app, body=STREAM, leave_after_pieces=1) for _ in range(20)]
        await asyncio.gather(*leaving)
        return model, await request(app, body=STREAM)

    model, received = asyncio.run(run())

    assert received.content == "b"
    assert (model.open, model.closed_early) == (0, 20)


def test_a_throttled_model_does_not_slow_another(make_app):
    busy = FakeModel(*[[0.6, ApiError("model_throttled")] for _ in range(10)])
    models = FakeModels(busy=busy, free=FakeModel([chunk("ok", "stop")]))
    records = {name: record(model_id=name).replace('"m"', f'"{name}"') for name in ("busy", "free")}

    async def run():
        app = make_app(models, records)
        throttled = [asyncio.create_task(request(app, body=STREAM | {"model": "busy"})) for _ in range(10)]
        await asyncio.sleep(0.05)
        received = await request(app, body=STREAM | {"model": "free"})
        return received, [answer.status for answer in await asyncio.gather(*throttled)]

    received, statuses = asyncio.run(run())

    assert received.times[-1] < 0.4
    assert statuses == [429] * 10
