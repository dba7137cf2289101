"""Hostile bodies and answers through the whole local path, on both base URLs."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.conftest import ROOT
from tollgate.dev import Local

pytestmark = pytest.mark.path

BASES = ("v1", "stream/v1")
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
RENDERED = {"body_format": "openai", "chat_template": "qwen2.5"}


@pytest.fixture(scope="module")
def local():
    with Local.start(template=ROOT / "template.yaml", models=[], root=ROOT) as running:
        for name, variant in {"served": {"body_format": "openai"}, "rendered": RENDERED}.items():
            arn = running.bedrock.register(name=name)
            running.put_record({"model": name, "variants": [{"name": "v", "model_id": arn, **variant}]})
        yield running


def ask(local, base, body, model="served", route="chat/completions"):
    headers = {"Authorization": f"Bearer {local.key}", "Content-Type": "application/json"}
    content = body if isinstance(body, str) else json.dumps({"model": model} | body)
    return httpx.post(f"{local.url}/{base}/{route}", content=content, headers=headers, timeout=30)


def answers(local, raw, model="served"):
    """Let the model answer this JSON text, whole and as each event."""
    local.bedrock.set_faults(model, steps=[{"raw_body": raw, "times": None}])


@pytest.fixture(autouse=True)
def _healthy_again(local):
    yield
    for model in ("served", "rendered"):
        local.bedrock.set_faults(model)


def assert_error(answer, status, code):
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json()["error"]["code"] == code
    assert answer.headers["x-request-id"]


DEEP = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("field, value", [
    ("chat_template_kwargs", f'{{"a": {DEEP}}}'), ("documents", f'[{{"a": {DEEP}}}]'),
    ("response_format", f'{{"type": "json_schema", "json_schema": {{"schema": {DEEP}}}}}'),
    ("repetition_penalty", "1e400"), ("logit_bias", '{"1": 1e400}'), ("documents", '[{"a": -1e400}]'),
])  # fmt: skip
def test_bodies_that_later_steps_could_not_carry_are_invalid_json(local, base, field, value):
    for model in ("served", "rendered"):
        body = json.dumps({"model": model} | HELLO)[:-1] + f', "{field}": {value}}}'

        assert_error(ask(local, base, body), 400, "invalid_json")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("model", ["served", "rendered"])
def test_half_a_surrogate_pair_in_an_earlier_call_is_no_failure(local, base, model):
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":"\\ud800"}'}}
    tool = {"type": "function", "function": {"name": "f"}}
    messages = [*HELLO["messages"], {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": "4"}]  # fmt: skip

    assert ask(local, base, {"messages": messages, "tools": [tool]}, model).status_code == 200


@pytest.mark.parametrize("base", BASES)
def test_half_a_surrogate_pair_in_an_answer_is_a_replacement_character(local, base):
    answers(local, '{"choices":[{"index":0,"message":{"content":"hi \\ud83d"},"finish_reason":"stop"}]}')

    answer = ask(local, base, HELLO)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["choices"][0]["message"]["content"] == "hi \ufffd"


@pytest.mark.parametrize("base", BASES)
def test_half_a_surrogate_pair_in_a_call_that_the_model_wrote(local, base):
    text = '<tool_call>{"name": "f", "arguments": {"q": "\\ud83d"}}</tool_call>'
    answers(local, json.dumps({"choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}), "rendered")
    tool = {"type": "function", "function": {"name": "f"}}

    answer = ask(local, base, HELLO | {"tools": [tool]}, "rendered")

    (call,) = answer.json()["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"])["q"] in ("\ufffd", "\ud83d")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", [
    {"index": 0, "message": {"content": "x"}, "finish_reason": {"a": 1}},
    {"index": "x", "message": {"content": "x"}, "finish_reason": "stop"},
    {"index": -1, "message": {"content": "x"}, "finish_reason": "stop"},
    {"index": 0, "message": {"content": None, "tool_calls": [{"id": "c", "function": None}]}, "finish_reason": "stop"},
    {"index": 0, "message": {"content": "x", "reasoning_content": [1]}, "finish_reason": "stop"},
    {"index": 0, "message": {"content": "x"}, "logprobs": {"content": 5}, "finish_reason": "stop"},
    {"index": 0, "text": "x", "finish_reason": "stop"},
    {"index": 0, "message": {"content": ""}, "finish_reason": "abort"},
])  # fmt: skip
def test_answers_of_another_shape_are_the_models_error(local, base, stream, choice):
    answers(local, json.dumps({"choices": [choice]}))

    assert_error(ask(local, base, HELLO | {"stream": stream}), 502, "model_error")


@pytest.mark.parametrize("base", BASES)
def test_an_answer_that_its_server_broke_off_is_the_models_error(local, base):
    answers(local, '{"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "abort"}]}')

    assert_error(ask(local, base, HELLO), 502, "model_error")


def test_a_stream_that_its_server_broke_off_ends_in_an_error(local):
    answers(local, '{"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "abort"}]}')

    answer = ask(local, "stream/v1", HELLO | {"stream": True})

    assert (answer.status_code, "model_error" in answer.text, "[DONE]" in answer.text) == (200, True, False)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_chats_answer_of_a_model_that_was_given_a_prompt_is_the_models_error(local, base, stream):
    answers(local, '{"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}', "rendered")

    assert_error(ask(local, base, HELLO | {"stream": stream}, "rendered"), 502, "model_error")


@pytest.mark.parametrize("base", BASES)
def test_an_answer_that_is_nested_deeply_is_the_models_error(local, base):
    answers(local, f'{{"choices": [{{"message": {{"content": "x"}}, "finish_reason": "stop"}}], "more": {DEEP}}}')

    assert_error(ask(local, base, HELLO), 502, "model_error")


CALLING = """{"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"content": null, "tool_calls":
    [{"id": "c", "function": {"name": "f", "arguments": %s}}]}}]}"""
SAYING = '{"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "x"}, "logprobs": %s}]%s}'
DEPTHS = (130, 400, 990, 1100, 5000, 20_000)
TOKEN = '{"content": [{"token": "x", "logprob": %s}]}'


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("raw", [
    CALLING % '{"a": 1e999}', CALLING % '{"a": -1e999}', CALLING % '{"a": NaN}', CALLING % ('{"a": %s}' % ("9" * 5000)),
    SAYING % (TOKEN % "-1e999", ""), SAYING % (TOKEN % "NaN", ""), SAYING % (TOKEN % "-Infinity", ""),
    SAYING % (TOKEN % ("9" * 5000), ""), SAYING % ("null", ', "usage": Infinity'), SAYING % ("null", ', "x": 1e400'),
    *(SAYING % ("null", ', "x": ' + "[" * depth + "]" * depth) for depth in DEPTHS),
    *(SAYING % ("null", ', "x": ' + '{"a":' * depth + "1" + "}" * depth) for depth in DEPTHS),
    "[" * 20_000 + "]" * 20_000, "[" * 100_000, '{"a":' * 20_000, '"x', "", "\ufeff{}", "nul", "{'a': 1}", "[1,]",
], ids=lambda raw: f"{raw[:12]}…{len(raw)}…{raw[-12:]}")  # fmt: skip
def test_an_answer_that_is_no_json_anybody_could_carry_is_the_models_error(local, base, raw):
    answers(local, raw)

    assert_error(ask(local, base, HELLO), 502, "model_error")


@pytest.mark.parametrize("base", BASES)
def test_readers_of_lines_get_each_event_whole(local, base):
    text = "✅ one\u2028two\u0085three"
    message = {"content": text}
    answers(local, json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))

    answer = ask(local, base, HELLO | {"stream": True})

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events) == text


@pytest.mark.parametrize("base", BASES)
def test_a_chat_over_a_prompt_has_a_chats_log_probabilities(local, base):
    for asked in ({"logprobs": True}, {"logprobs": True, "top_logprobs": 2}):
        answer = ask(local, base, HELLO | asked | {"max_tokens": 3}, "rendered")

        assert answer.status_code == 200, answer.text
        logprobs = answer.json()["choices"][0]["logprobs"]
        assert logprobs is None or {"token", "logprob", "bytes", "top_logprobs"} == logprobs["content"][0].keys()


@pytest.mark.parametrize("base", BASES)
def test_what_asks_for_nothing_new_is_answered(local, base):
    for change in ({"audio": None}, {"later": None}, {"verbosity": "medium"}, {"modalities": ["text"]}, {"store": True},
                   {"service_tier": "flex"}, {"top_logprobs": 0}, {"parallel_tool_calls": False}):  # fmt: skip
        for model in ("served", "rendered"):
            assert ask(local, base, HELLO | change, model).status_code == 200, change
    assert ask(local, base, {"prompt": ["Hello"], "max_tokens": 5}, route="completions").status_code == 200
    assert_error(ask(local, base, HELLO | {"web_search_options": {}}), 400, "unsupported_parameter")


@pytest.mark.parametrize("base", BASES)
def test_the_size_of_a_stop_sequence_and_the_number_of_calls_are_bounded(local, base):
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for change, param in (
        ({"stop": "x" * 5000}, "stop"),
        ({"messages": [{"role": "assistant", "content": None, "tool_calls": [call] * 129}]}, "messages[0].tool_calls"),
    ):
        answer = ask(local, base, HELLO | change)

        assert_error(answer, 400, "invalid_parameter")
        assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_takes_one_call_gets_one(local, base, stream):
    call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    answers(local, json.dumps({"choices": [{"index": 0, "text": call * 2, "finish_reason": "stop"}]}), "rendered")
    tool = {"type": "function", "function": {"name": "f"}}

    answer = ask(
        local, base, HELLO | {"tools": [tool], "parallel_tool_calls": False, "stream": stream}, model="rendered"
    )

    assert answer.status_code == 200, answer.text
    assert (answer.text.count('"name":"f"'), '"finish_reason":"tool_calls"' in answer.text) == (1, True)
