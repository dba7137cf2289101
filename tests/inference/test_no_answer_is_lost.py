"""What a model said is in the completion, or its answer is a model_error: never an empty completion in its place."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.completion import add_up
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.pipeline.after_model import complete

FORMS = {
    "openai_chat": {"body_format": "openai"},
    "openai_completion": {"body_format": "openai", "chat_template": "chatml"},
    "bedrock": {"body_format": "bedrock", "chat_template": "chatml"},
    "mistral": {"body_format": "mistral", "chat_template": "mistral-v3"},
}
MESSAGE = {"role": "assistant", "content": "x"}


def spec_of(form):
    return prepared(record(variant(**FORMS[form]))).spec


def answer_of(form, fields, reason="stop"):
    """An answer with one choice that has these fields."""
    if form.startswith("openai"):
        return {"choices": [{"index": 0, **fields, "finish_reason": reason}]}
    if form == "mistral":
        return {"outputs": [{**fields, "stop_reason": reason}]}
    return {**fields, "stop_reason": reason}


def whole(form, answer):
    (choice,) = json.loads(complete(spec_of(form), answer).response.body)["choices"]
    return choice


def streamed(form, *events):
    reader = AnswerReader(spec_of(form))
    deltas = [delta for event in events for delta in reader.feed(FORMATS[form].read(event))]
    deltas += reader.finish()
    (choice,) = add_up(deltas, reader.usage).choices
    return choice


OTHERS = {
    "openai_chat": [{"text": "x"}, {"generation": "x"}, {"message": {}, "text": "x"}, {"message": None, "text": "x"},
                    {"message": {"content": None}, "text": "x"}, {"message": {"content": ""}, "text": "x"}],
    "openai_completion": [{"message": MESSAGE}, {"text": None, "message": MESSAGE}, {"text": "", "message": MESSAGE},
                          {"delta": MESSAGE}, {"generation": "x"}],
    "bedrock": [{"text": "x"}, {"outputs": [{"text": "x"}]}, {"choices": [{"text": "x"}]}, {"message": MESSAGE},
                {"generation": None, "text": "x"}, {"generation": "", "outputs": [{"text": "x"}]}],
    "mistral": [{"message": MESSAGE}, {"generation": "x"}, {"text": None, "message": MESSAGE}],
}  # fmt: skip


@pytest.mark.parametrize("form, fields", [(form, fields) for form, several in OTHERS.items() for fields in several])
@pytest.mark.parametrize("reason", ["stop", "length", None, ""])
def test_an_answer_in_another_formats_field_is_no_answer(form, fields, reason):
    answer = answer_of(form, fields, reason)

    with pytest.raises(AnswerError):
        whole(form, answer)
    with pytest.raises(AnswerError):
        streamed(form, answer)


MISSING = {
    "openai_chat": [{}, {"message": None}, {"delta": None}, {"delta": {}}, {"delta": {"content": "x"}}, {"message": {}},
                    {"message": {"role": "assistant"}}, {"message": {"role": "assistant", "text": "x"}}],
    "openai_completion": [{}, {"text": None}],
    "bedrock": [{}, {"generation": None}, {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 1}}],
    "mistral": [{}, {"text": None}],
}  # fmt: skip


@pytest.mark.parametrize("form, fields", [(form, fields) for form, several in MISSING.items() for fields in several])
def test_a_whole_answer_has_its_text_whatever_ended_it(form, fields):
    with pytest.raises(AnswerError):
        whole(form, answer_of(form, fields))


@pytest.mark.parametrize("form, fields", [
    ("openai_chat", {}), ("openai_chat", {"delta": None}), ("openai_chat", {"delta": {}}), ("openai_completion", {}),
    ("openai_completion", {"text": None}), ("openai_completion", {"text": ""}), ("bedrock", {}),
    ("bedrock", {"generation": None}), ("mistral", {}), ("mistral", {"text": None}),
])  # fmt: skip
def test_the_event_that_ends_a_stream_may_have_no_text(form, fields):
    first = {"openai_chat": {"delta": {"content": "x"}}, "bedrock": {"generation": "x"}}.get(form, {"text": "x"})

    choice = streamed(form, answer_of(form, first, None), answer_of(form, fields))

    assert (choice.content, choice.finish_reason) == ("x", "stop")


@pytest.mark.parametrize("form, fields", [
    ("openai_chat", {"message": {"content": ""}}), ("openai_completion", {"text": ""}), ("bedrock", {"generation": ""}),
    ("mistral", {"text": ""}), ("openai_chat", {"message": {"content": None}}),
])  # fmt: skip
def test_an_answer_may_be_empty(form, fields):
    assert whole(form, answer_of(form, fields))["message"]["content"] == ""


@pytest.mark.parametrize(
    "word", ["error", "abort", "aborted", "Error", "ERROR", "cancelled", "timeout", "insufficient_system_resource"]
)
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_the_server_broke_off_is_no_completion(form, word):
    fields = {"openai_chat": {"message": MESSAGE}, "bedrock": {"generation": "x"}}.get(form, {"text": "x"})
    answer = answer_of(form, fields, word)

    with pytest.raises(AnswerError):
        whole(form, answer)
    with pytest.raises(AnswerError):
        streamed(form, answer)


def test_what_came_before_the_server_broke_off_has_left():
    reader = AnswerReader(spec_of("bedrock"))

    deltas = reader.feed(FORMATS["bedrock"].read({"generation": "some", "stop_reason": "abort"}))

    assert next(deltas).content == "some"
    with pytest.raises(AnswerError):
        next(deltas)
    assert not reader.finished


@pytest.mark.parametrize("arguments", ['{"a":1}', {"a": 1}])
@pytest.mark.parametrize("reason", ["function_call", "tool_calls"])
@pytest.mark.parametrize("more", [{}, {"tool_calls": None}, {"tool_calls": []}])
def test_a_call_in_the_older_form_is_a_call(arguments, reason, more):
    message = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": arguments}, **more}

    made = whole("openai_chat", answer_of("openai_chat", {"message": message}, reason))
    choice = streamed("openai_chat", answer_of("openai_chat", {"delta": message}, reason))

    (call,) = made["message"]["tool_calls"]
    assert (call["function"], made["finish_reason"]) == ({"name": "f", "arguments": '{"a":1}'}, "tool_calls")
    assert call["id"].startswith("call_")
    ((_, *same),) = choice.calls
    assert (same, choice.finish_reason) == (["f", '{"a":1}'], "tool_calls")


def test_a_call_in_the_older_form_comes_in_pieces():
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ":1}"}]
    events = [{"choices": [{"index": 0, "delta": {"function_call": piece}}]} for piece in pieces]

    choice = streamed("openai_chat", *events, answer_of("openai_chat", {"delta": {}}, "function_call"))

    assert [call[1:] for call in choice.calls] == [("f", '{"a":1}')]


def test_a_call_in_both_forms_is_one_call():
    function = {"name": "f", "arguments": "{}"}
    message = {"content": None, "function_call": function, "tool_calls": [{"id": "c", "function": function}]}

    made = whole("openai_chat", answer_of("openai_chat", {"message": message}))

    assert [call["id"] for call in made["message"]["tool_calls"]] == ["c"]


@pytest.mark.parametrize("call", ["f", ["f"], {"arguments": "{}"}, {"name": ""}, {"name": "f", "arguments": 5}, 1])
def test_what_is_no_call_in_the_older_form_is_no_answer(call):
    answer = answer_of("openai_chat", {"message": {"content": None, "function_call": call}})

    with pytest.raises(AnswerError):
        whole("openai_chat", answer)
    with pytest.raises(AnswerError):
        streamed("openai_chat", answer)
