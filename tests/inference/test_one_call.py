"""`parallel_tool_calls: false`: an answer has no more than one call, whoever reads the calls."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.completion import add_up
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.pipeline.after_model import complete

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
ANSWERS = {
    "qwen2.5": '{before}<tool_call>\n{{"name": "f", "arguments": {{}}}}\n</tool_call>{between}'
    '<tool_call>\n{{"name": "g", "arguments": {{}}}}\n</tool_call>{behind}',
    "mistral-v3": "{before}[TOOL_CALLS] "
    '[{{"name": "f", "arguments": {{}}}}, {{"name": "g", "arguments": {{}}}}]{behind}',
}


def spec_for(template: str, body_format: str = "bedrock", **request) -> CompletionSpec:
    made = prepared(record(variant(body_format=body_format, chat_template=template)), **{"tools": TOOLS} | request).spec
    return CompletionSpec.from_json(json.loads(json.dumps(made.to_json())))


def body_of(text: str, body_format: str, reason: str | None) -> dict:
    if body_format == "bedrock":
        return {"generation": text, "stop_reason": reason}
    if body_format == "mistral":
        return {"outputs": [{"text": text, "stop_reason": reason}]}
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason}]}


def whole(spec: CompletionSpec, answer: dict) -> dict:
    (choice,) = json.loads(complete(spec, answer).response.body)["choices"]
    return choice


def streamed(spec: CompletionSpec, *events: dict):
    reader = AnswerReader(spec)
    deltas = [delta for event in events for delta in reader.feed(FORMATS[spec.body_format].read(event))]
    assert reader.finished
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == [deltas[-1].finish_reason]
    (choice,) = add_up(deltas, reader.usage).choices
    return choice


@pytest.mark.parametrize("body_format", ["bedrock", "openai", "mistral"])
@pytest.mark.parametrize("template", ANSWERS)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_where_we_read_the_calls_the_first_one_is_kept(template, body_format, size):
    spec = spec_for(template, body_format, parallel_tool_calls=False)
    text = ANSWERS[template].format(before="Let me see. ", between="", behind=" And more.")
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    message = whole(spec, body_of(text, spec.body_format, "stop"))
    choice = streamed(
        spec,
        *(body_of(piece, spec.body_format, None) for piece in pieces[:-1]),
        body_of(pieces[-1], spec.body_format, "stop"),
    )

    assert [call["function"]["name"] for call in message["message"]["tool_calls"]] == ["f"]
    assert [(call.name, call.arguments) for call in choice.calls] == [("f", "{}")]
    assert message["message"]["content"] == choice.content == "Let me see."
    assert message["finish_reason"] == choice.finish_reason == "tool_calls"


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_the_second_call_is_cut_off_whatever_the_models_reason_was(reason):
    spec = spec_for("qwen2.5", parallel_tool_calls=False)
    text = ANSWERS["qwen2.5"].format(before="", between=" then ", behind="")

    choice = whole(spec, body_of(text, "bedrock", reason))

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == " then"


def test_the_answer_ends_with_the_event_that_brings_the_second_call():
    spec = spec_for("qwen2.5", parallel_tool_calls=False)
    reader = AnswerReader(spec)
    text = ANSWERS["qwen2.5"].format(before="", between="", behind="")

    deltas = [*reader.feed(FORMATS["bedrock"].read({"generation": text}))]

    assert (deltas[-1].finish_reason, reader.finished) == ("tool_calls", True)
    assert [*reader.feed(FORMATS["bedrock"].read({"generation": "more", "stop_reason": "stop"}))] == []


@pytest.mark.parametrize("template", [*ANSWERS, "llama3.1"])
def test_an_answer_with_one_call_is_the_same_as_without_the_wish(template):
    texts = {
        "qwen2.5": 'a <tool_call>{"name": "f"}</tool_call> b',
        "mistral-v3": 'a [TOOL_CALLS] [{"name": "f", "arguments": {}}] b',
        "llama3.1": '{"name": "f", "parameters": {}}',
    }
    choices = []
    for wish in ({}, {"parallel_tool_calls": True}, {"parallel_tool_calls": False}):
        choice = whole(spec_for(template, **wish), body_of(texts[template], "bedrock", "stop"))
        assert choice["message"]["tool_calls"][0].pop("id")
        choices.append(choice)

    assert choices[0] == choices[1] == choices[2]


def test_without_the_wish_all_calls_are_kept():
    text = ANSWERS["qwen2.5"].format(before="", between="", behind="")
    choice = whole(spec_for("qwen2.5"), body_of(text, "bedrock", "stop"))

    assert len(choice["message"]["tool_calls"]) == 2


def test_each_choice_keeps_a_call_of_its_own():
    spec = spec_for("qwen2.5", "openai", parallel_tool_calls=False, n=2)
    text = ANSWERS["qwen2.5"].format(before="", between="", behind="")
    choices = [{"index": index, "text": text, "finish_reason": "stop"} for index in (0, 1)]

    made = json.loads(complete(spec, {"choices": choices}).response.body)["choices"]

    assert [len(choice["message"]["tool_calls"]) for choice in made] == [1, 1]


def test_a_server_that_does_not_keep_to_one_call_is_made_to():
    # GIVEN a server that formats the messages itself, and is asked for one call
    made = prepared(record(), tools=TOOLS, parallel_tool_calls=False)
    assert made.invocation.body["parallel_tool_calls"] is False
    calls = [{"id": f"c{n}", "index": n, "function": {"name": name, "arguments": "{"}} for n, name in enumerate("fg")]
    rest = [{"index": n, "function": {"arguments": "}"}} for n in (0, 1)]

    # WHEN it makes two, whose pieces alternate
    events = [{"choices": [{"index": 0, "delta": {"tool_calls": pieces}}]} for pieces in (calls, rest)]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    choice = streamed(made.spec, *events, end)

    # THEN the client gets the first
    assert choice.calls == [("c0", "f", "{}")]
    whole_calls = [{**call, "function": {**call["function"], "arguments": {}}} for call in calls]
    message = {"content": None, "tool_calls": whole_calls}
    kept = whole(made.spec, {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert [call["id"] for call in kept["message"]["tool_calls"]] == ["c0"]


def test_a_prompt_is_the_same_with_and_without_the_wish():
    text = record(variant(body_format="bedrock", chat_template="llama3.1"))

    bodies = [prepared(text, tools=TOOLS, parallel_tool_calls=wish).invocation.body for wish in (None, True, False)]

    assert bodies[0] == bodies[1] == bodies[2]


def test_a_spec_of_an_earlier_release_takes_all_calls():
    earlier = spec_for("qwen2.5").to_json()
    del earlier["parallel_calls"]

    assert CompletionSpec.from_json(earlier).parallel_calls is True
