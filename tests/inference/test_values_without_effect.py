"""What asks for nothing new is accepted, and what cannot be honoured is refused by its name."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tests.inference.test_request import CALL, USER, read
from tollgate_layer.inference.failures.errors import RequestError

TOOL = {"type": "function", "function": {"name": "f"}}
RENDERED = record(variant(body_format="mistral", chat_template="mistral-v3"))
SERVED = record()


def refusal(text=RENDERED, **request):
    with pytest.raises(RequestError) as caught:
        prepared(text, **request)
    return caught.value


@pytest.mark.parametrize("name", [
    "audio", "prediction", "modalities", "functions", "function_call", "web_search_options", "verbosity", "stop", "n",
    "tools", "logit_bias", "a_parameter_of_next_year", "prompt_cache_retention",
])  # fmt: skip
def test_null_asks_for_nothing_in_any_field(name):
    assert prepared(RENDERED, **{name: None}) == prepared(RENDERED)


def test_null_asks_for_nothing_in_fields_of_fields_that_nobody_knows_yet():
    part = {"type": "text", "text": "Hello", "new": None}
    messages = [{"role": "user", "content": [part], "newer": None}]

    prepared(RENDERED, messages=messages, tools=[{**TOOL, "newest": None}], tool_choice="none")
    assert refusal(messages=[{"role": "user", "content": [{**part, "new": 0}]}]).param == "messages[0].content[0].new"


@pytest.mark.parametrize("parameter", [
    {"verbosity": "medium"}, {"modalities": ["text"]}, {"store": True}, {"store": False}, {"service_tier": "flex"},
    {"service_tier": "priority"}, {"top_logprobs": 0}, {"parallel_tool_calls": True}, {"parallel_tool_calls": False},
    {"reasoning_effort": "none"}, {"functions": []}, {"function_call": "auto"}, {"tool_choice": "auto"},
    {"chat_template_kwargs": {}}, {"documents": []}, {"metadata": {}}, {"stop": []}, {"stop": ""}, {"logit_bias": {}},
    {"prompt_cache_retention": "24h"}, {"logprobs": False, "top_logprobs": 0}, {"response_format": {"type": "text"}},
    {"reasoning_effort": "medium"}, {"modalities": []},
])  # fmt: skip
def test_values_without_effect_are_taken_by_the_poorest_format(parameter):
    assert prepared(RENDERED, **parameter) == prepared(RENDERED)


@pytest.mark.parametrize("parameter", [{"echo": False}, {"best_of": 1}, {"suffix": ""}, {"suffix": None}, {"n": 1}])
def test_values_without_effect_are_taken_by_text_completions(parameter):
    plain = prepared(RENDERED, dialect="completions", prompt="x")

    assert prepared(RENDERED, dialect="completions", prompt="x", **parameter) == plain


def test_what_asks_something_of_a_format_that_knows_it_reaches_it():
    body = prepared(SERVED, reasoning_effort="none", parallel_tool_calls=False, tools=[TOOL]).invocation.body

    assert (body["reasoning_effort"], body["parallel_tool_calls"]) == ("none", False)


@pytest.mark.parametrize("name, value", [
    ("audio", {"voice": "alloy", "format": "wav"}), ("prediction", {"type": "content", "content": "x"}),
    ("modalities", ["text", "audio"]), ("functions", [{"name": "f"}]), ("function_call", {"name": "f"}),
    ("web_search_options", {}), ("verbosity", "low"),
])  # fmt: skip
@pytest.mark.parametrize("text", [RENDERED, SERVED], ids=["rendered", "served"])
def test_what_no_model_can_honour_is_not_supported(text, name, value):
    error = refusal(text, **{name: value})

    assert (error.code, error.param) == ("unsupported_parameter", name)


@pytest.mark.parametrize("name, value", [
    ("echo", True), ("best_of", 3), ("suffix", "x"), ("prompt", ["a", "b"]), ("prompt", [1, 2]), ("prompt", [[1, 2]]),
])  # fmt: skip
def test_what_no_model_can_honour_is_not_supported_in_text_completions(name, value):
    error = refusal(dialect="completions", **{"prompt": "x"} | {name: value})

    assert (error.code, error.param) == ("unsupported_parameter", name)


@pytest.mark.parametrize("kind", ["input_audio", "file"])
def test_parts_that_no_model_can_read_are_not_supported(kind):
    error = refusal(SERVED, messages=[{"role": "user", "content": [{"type": kind, kind: {"data": "x"}}]}])

    assert (error.code, error.param) == ("unsupported_parameter", "messages[0].content[0]")


def test_a_list_of_one_prompt_is_that_prompt():
    made = prepared(SERVED, dialect="completions", prompt=["Hello"])

    assert made == prepared(SERVED, dialect="completions", prompt="Hello")
    assert refusal(dialect="completions", prompt=[""]).param == "prompt[0]"


@pytest.mark.parametrize("fields, said", [
    ({"content": None}, ""), ({}, ""), ({"content": None, "tool_calls": []}, ""), ({"tool_calls": None}, ""),
    ({"content": None, "refusal": "No."}, "No."), ({"content": None, "reasoning_content": "cut"}, ""),
    ({"content": None, "reasoning": "cut"}, ""), ({"content": "", "tool_calls": []}, ""),
])  # fmt: skip
def test_an_assistants_turn_may_have_no_content(fields, said):
    messages = [USER, {"role": "assistant", **fields}, USER]

    made = read({"model": "m", "messages": messages}).messages[1]

    kept = {name: value for name, value in fields.items() if name != "tool_calls"}
    assert made == {"role": "assistant", **kept, "content": said}
    for template in ("chatml", "qwen3", "llama3.1", "mistral-v3", "deepseek-r1"):
        prompt = prepared(record(variant(chat_template=template)), messages=messages).invocation.body["prompt"]
        assert said in prompt


def test_cache_control_is_accepted_and_goes_no_further():
    mark = {"cache_control": {"type": "ephemeral"}}
    part = {"type": "text", "text": "Hello"}
    plain = prepared(SERVED, messages=[{"role": "user", "content": [part]}], tools=[TOOL])

    marked = prepared(SERVED, messages=[{"role": "user", "content": [part | mark]} | mark], tools=[TOOL | mark])

    assert marked == plain


@pytest.mark.parametrize("arguments, expected", [
    (r'{"q":"\ud83d"}', r'{"q":"\ufffd"}'), (r'{"q":"\ud83d\ude00"}', r'{"q":"\ud83d\ude00"}'), ("no JSON", "no JSON"),
])  # fmt: skip
def test_json_inside_of_a_call_is_sound(arguments, expected):
    made = call_with(arguments)

    assert made.messages[1]["tool_calls"][0]["function"]["arguments"] == expected


def call_with(arguments):
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    answer = {"role": "tool", "tool_call_id": "call_1", "content": "4"}
    return read({"model": "m", "messages": [USER, {"role": "assistant", "tool_calls": [call]}, answer]})


def test_json_inside_of_a_call_is_not_nested_without_bounds():
    call_with('{"a":' * 100 + "1" + "}" * 100)
    with pytest.raises(RequestError) as caught:
        call_with('{"a":' * 3000 + "1" + "}" * 3000)
    assert (caught.value.code, caught.value.param) == (
        "invalid_parameter", "messages[1].tool_calls[0].function.arguments")  # fmt: skip


@pytest.mark.parametrize("field", ["chat_template_kwargs", "documents", "response_format", "tools", "metadata", "x"])
@pytest.mark.parametrize("depth", [200, 3000, 9000, 100_000])
def test_deep_nesting_is_refused_in_every_field(field, depth):
    deep = "[" * depth + "]" * depth
    body = json.dumps({"model": "m", "messages": [USER]})[:-1] + f', "{field}": {deep}}}'

    with pytest.raises(RequestError) as caught:
        read(body)
    assert (caught.value.code, "nested" in caught.value.message) == ("invalid_json", True)


@pytest.mark.parametrize("field", ["repetition_penalty", "logit_bias", "response_format", "chat_template_kwargs", "x"])
def test_numbers_that_json_cannot_hold_are_refused_in_every_field(field):
    with pytest.raises(RequestError) as caught:
        read(f'{{"model": "m", "messages": [], "{field}": {{"a": 1e400}}}}')
    assert caught.value.code == "invalid_json"


def test_all_choices_share_the_records_limit_of_tokens():
    limited = record(limits={"max_tokens": 100}, defaults={"max_tokens": 60})

    assert prepared(limited, n=4, max_tokens=25).invocation.body["max_tokens"] == 25
    assert prepared(limited, n=4).invocation.body["max_tokens"] == 25
    assert prepared(limited, n=1).invocation.body["max_tokens"] == 60
    assert refusal(limited, n=4, max_tokens=26).param == "n"
    assert refusal(limited, n=101).param == "n"
    assert refusal(limited, n=2, max_tokens=101).param == "max_tokens"
    assert prepared(record(), n=128, max_tokens=1000).invocation.body["n"] == 128
