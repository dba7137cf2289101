"""Requests are checked field by field, and a refusal names the field."""

from __future__ import annotations

import json

import pytest

from tests.conftest import EVENTS
from tollgate_layer.inference import dialects
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.request import IncomingRequest

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def read(body, dialect="chat.completions"):
    text = body if isinstance(body, str) else json.dumps(body)
    return dialects.find(dialect).read(IncomingRequest(dialect, "r-1", text))


def refusal(body, dialect="chat.completions"):
    with pytest.raises(RequestError) as caught:
        read(body, dialect)
    return caught.value


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"text"', "1", '{"a": NaN}', '{"a": 1} x', "\x00", '{"a": "\x00"}', "[" * 100_000]
)
def test_what_is_not_a_json_object_is_invalid_json(body):
    assert refusal(body).code == "invalid_json"


def test_half_a_surrogate_pair_is_refused_before_anything_has_to_write_it():
    error = refusal('{"model": "m", "messages": [{"role": "user", "content": "\\ud83d"}]}')

    assert (error.code, "surrogate" in error.message) == ("invalid_json", True)


def test_a_whole_surrogate_pair_and_an_escaped_nul_are_text():
    request = read('{"model": "m", "messages": [{"role": "user", "content": "\\ud83d\\ude00\\u0000"}]}')

    assert request.messages[0]["content"] == "😀\x00"


@pytest.mark.parametrize(
    "field, value, param",
    [
        ("messages", [], "messages"),
        ("messages", "Hello", "messages"),
        ("messages", [USER, USER, {"role": "robot", "content": "x"}], "messages[2].role"),
        ("messages", [{"content": "x"}], "messages[0].role"),
        ("messages", [{"role": "user"}], "messages[0].content"),
        ("messages", [{"role": "user", "content": 5}], "messages[0].content"),
        ("messages", [{"role": "user", "content": {"a": 1}}], "messages[0].content"),
        ("messages", [{"role": "user", "content": [{"type": "film"}]}], "messages[0].content[0].type"),
        ("messages", [{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ("messages", [USER | {"colour": "red"}], "messages[0].colour"),
        ("messages", [{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ("model", None, "model"),
        ("model", 5, "model"),
        ("temperature", "0.5", "temperature"),
        ("temperature", -0.1, "temperature"),
        ("temperature", 1e308, "temperature"),
        ("top_p", 0, "top_p"),
        ("max_tokens", 0, "max_tokens"),
        ("max_tokens", 1.5, "max_tokens"),
        ("max_tokens", True, "max_tokens"),
        ("n", 10**30, "n"),
        ("seed", 2**63, "seed"),
        ("stop", 5, "stop"),
        ("stop", [""], "stop[0]"),
        ("stop", ["x"] * 17, "stop"),
        ("stop", "x" * 4097, "stop"),
        ("stop", ["x", "x" * 4097], "stop[1]"),
        ("messages", [USER] * 2049, "messages"),
        ("messages", [USER, {"role": "assistant", "tool_calls": [CALL] * 129}], "messages[1].tool_calls"),
        ("tools", [{"type": "function", "function": {"name": "f"}}] * 129, "tools"),
        ("metadata", {str(number): "x" for number in range(17)}, "metadata"),
        ("metadata", {"a": "x" * 513}, "metadata.a"),
        ("stream", "yes", "stream"),
        ("tool_choice", "sometimes", "tool_choice"),
        ("tools", [{"type": "function", "function": {}}], "tools[0].function.name"),
        ("top_logprobs", 3, "top_logprobs"),
        ("variables", {"code": "x"}, "messages"),
        ("colour", "red", "colour"),
    ],
)
def test_a_refusal_names_the_field(field, value, param):
    error = refusal({"model": "m", "messages": [USER], field: value})

    assert (error.code, error.param) == ("invalid_parameter", param)
    assert error.message.startswith(f"{param}: ")


def test_a_completion_request_wants_a_prompt():
    assert refusal({"model": "m"}, "completions").param == "prompt"
    assert refusal({"model": "m", "prompt": ""}, "completions").param == "prompt"


def test_nulls_are_as_good_as_nothing():
    assert read({"model": "m", "messages": [USER], "stop": None}) == read({"model": "m", "messages": [USER]})


def test_an_assistant_message_may_come_back_as_it_was_answered():
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        USER,
        {"role": "assistant", "content": None, "refusal": None, "annotations": [], "audio": None,
         "function_call": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "call_1", "content": "4"},
    ]  # fmt: skip

    assert read({"model": "m", "messages": messages}).messages == messages


@pytest.mark.parametrize("path", sorted((EVENTS / "requests").glob("*.json")), ids=lambda path: path.stem)
def test_the_example_requests_are_read_or_refused_as_their_names_say(path):
    dialect = "completions" if path.stem == "completion" else "chat.completions"
    if path.stem == "wrong-role":
        assert refusal(path.read_text()).param == "messages[2].role"
    else:
        assert read(path.read_text(), dialect).model
