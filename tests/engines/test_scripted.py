"""A scripted model answers by its rules: in OpenAI's fields, or in the text of a prompt's completion."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.engines.generations import generation
from tollgate.engines.base import Delta, Token
from tollgate.engines.errors import GenerationError
from tollgate.engines.samples import sample
from tollgate.engines.scripted import Rule, ScriptedEngine, read_script

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "text"}}\n</tool_call>'


def asked(rules, *, messages=None, prompt=None, tools=None, **body):
    """What an engine with these rules says: text, deltas' fields, and why it ended."""
    engine = rules if isinstance(rules, ScriptedEngine) else ScriptedEngine(rules)
    request = generation(messages=messages, prompt=prompt, tools=tools, max_tokens=100, body=body)

    async def collect():
        return [piece async for piece in engine.generate(request)]

    *pieces, reason = asyncio.run(collect())
    text = "".join(piece.text for piece in pieces if isinstance(piece, Token))
    return text, [dict(piece.fields) for piece in pieces if isinstance(piece, Delta)], reason


def user(text):
    return [{"role": "user", "content": text}]


def test_the_first_rule_that_fits_answers():
    rules = [Rule(when="weather", say="Mild."), Rule(say="Hello.")]

    assert asked(rules, messages=user("the weather?")) == ("Mild.", [], "stop")
    assert asked(rules, messages=user("hi")) == ("Hello.", [], "stop")
    assert asked([], messages=user("hi")) == ("echo: hi", [], "stop")


def test_a_rule_may_be_there_for_some_requests_only():
    engine = ScriptedEngine([Rule(fail="ModelErrorException", times=1), Rule(say="Well.")])

    with pytest.raises(GenerationError):
        asked(engine, messages=user("hi"))
    assert asked(engine, messages=user("hi"))[0] == "Well."


def test_a_server_gives_thoughts_and_calls_in_fields_of_their_own():
    _, fields, reason = asked([Rule(think="Hm", call="first")], messages=user("hi"), tools=[TOOL])

    assert fields[0] == {"reasoning_content": "Hm"}
    assert fields[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "text"}'}
    assert reason == "tool_calls"


def test_a_rule_with_a_call_needs_tools_and_another_one_a_tools_result():
    rules = [Rule(after_tool=True, say="Done."), Rule(call="first"), Rule(say="No tools.")]

    assert asked(rules, messages=user("hi"))[0] == "No tools."
    assert asked(rules, messages=[{"role": "tool", "content": "18"}], tools=[TOOL])[0] == "Done."


def test_a_prompt_is_completed_in_the_familys_marks():
    prompt = f"<tools>\n{json.dumps(TOOL)}\n</tools><|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"

    assert asked([Rule(call="first")], prompt=prompt)[0] == CALL
    assert asked([Rule(think="Hm", say="Hi")], prompt=prompt)[0] == "<think>\nHm\n</think>\n\nHi"


@pytest.mark.parametrize("begun", ['<tool_call>\n{"name": "', '<tool_call>\n{"name": "weather", "arguments": '])
def test_a_call_that_the_prompt_has_begun_is_gone_on_with(begun):
    prompt = f"<tools>\n{json.dumps(TOOL)}\n</tools><|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"

    assert asked([Rule(call="first")], prompt=prompt + begun)[0] == CALL.removeprefix(begun)


def test_json_that_is_asked_for_is_made_up():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}, "kind": {"enum": ["a", "b"]}}}

    text, _, _ = asked(
        [Rule(say="x")],
        messages=user("hi"),
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )

    assert json.loads(text) == {"n": 3, "kind": "a"}


@pytest.mark.parametrize(
    "schema, value",
    [
        ({"type": ["null", "string"]}, "text"),
        ({"anyOf": [{"type": "null"}, {"type": "number"}]}, 1.0),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"const": 7}}}, 7),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"a": {"$ref": "#/$defs/A"}}}}}, ...),
        (True, None),
    ],
)
def test_a_made_up_value_fits_its_schema(schema, value):
    made = sample(schema) if isinstance(schema, dict) else sample({"items": schema, "type": "array"})[0]

    assert value is ... or made == value


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "JSON"),
        ('[{"sya": "x"}]', "sya"),
        ('[{"fail": "Nothing"}]', "fail must be"),
        ('[{"call": "all"}]', "call must"),
    ],
)
def test_a_script_that_is_none_is_refused_in_words(tmp_path, text, words):
    path = tmp_path / "script.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=words):
        read_script(path)
