"""Responses: the same conversation as a chat, the same prompt for the model, and OpenAI's objects and events back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference import dialects
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.pipeline.after_model import complete

SERVED = record()
RENDERED = record(variant(chat_template="qwen3"))
TOOL = {"name": "search", "description": "Search", "parameters": {"type": "object", "properties": {}}}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def asked(record_text=SERVED, **body):
    return prepared(record_text, "responses", **({"input": "Hello"} | body))


def refusal(record_text=SERVED, **body):
    with pytest.raises(ApiError) as caught:
        asked(record_text, **body)
    return caught.value


def as_the_client_sees_it(error):
    return json.loads(dialects.find("responses").write_error(error, "r-1").body)["error"]


def message(**fields):
    return {"choices": [{"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": "stop"}]}


def events_of(spec, *answers):
    """The events of a stream, each read by OpenAI's own types."""
    reader, writer = AnswerReader(spec), dialects.find("responses").event_writer(spec)
    written = b""
    for answer in answers:
        for delta in reader.feed(FORMATS[spec.body_format].read(answer)):
            written += writer.write(delta)
    written += writer.end(reader.usage)
    events = []
    for event in written.decode().strip().split("\n\n"):
        name, data = event.split("\n")
        fields = json.loads(data.removeprefix("data: "))
        assert name == f"event: {fields['type']}"
        EVENT.validate_python(fields)
        events.append(fields)
    return events


# A conversation as a list of turns, from which both dialects' bodies are made.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
CALLS = st.lists(st.tuples(st.sampled_from(["search"]), st.just('{"q": 1}')), min_size=1, max_size=2)
TURNS = st.lists(
    st.one_of(
        st.tuples(st.just("user"), WORDS),
        st.tuples(st.just("says"), WORDS),
        st.tuples(st.just("calls"), CALLS),
        st.tuples(st.just("thinks"), st.tuples(WORDS, WORDS)),
    ),
    max_size=5,
)


def as_chat(turns):
    messages = []
    for number, (kind, said) in enumerate(turns):
        if kind == "user":
            messages.append({"role": "user", "content": said})
        elif kind == "says":
            messages.append({"role": "assistant", "content": said})
        elif kind == "thinks":
            messages.append({"role": "assistant", "content": said[1], "reasoning_content": said[0]})
        else:
            ids = [f"call_{number}_{place}" for place in range(len(said))]
            calls = [
                {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
                for call_id, (name, arguments) in zip(ids, said, strict=True)
            ]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            messages += [{"role": "tool", "tool_call_id": call_id, "content": "found"} for call_id in ids]
    return messages


def as_input(turns):
    items = []
    for number, (kind, said) in enumerate(turns):
        if kind == "user":
            items.append({"role": "user", "content": [{"type": "input_text", "text": said}]})
        elif kind == "says":
            items.append({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]})
        elif kind == "thinks":
            thoughts = [{"type": "reasoning_text", "text": said[0]}]
            items.append({"type": "reasoning", "id": "rs_1", "summary": [], "content": thoughts})
            items.append({"type": "message", "role": "assistant", "content": said[1]})
        else:
            ids = [f"call_{number}_{place}" for place in range(len(said))]
            for call_id, (name, arguments) in zip(ids, said, strict=True):
                items.append({"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments})
            for call_id in ids:
                items.append({"type": "function_call_output", "call_id": call_id, "output": "found"})
    return items


def separate_turns(turns):
    """The turns with a user's between an answer and calls, which would be one message of a chat."""
    apart = [("user", "begin")]
    for turn in turns:
        if turn[0] == "calls" and apart[-1][0] in ("says", "thinks"):
            apart.append(("user", "go on"))
        apart.append(turn)
    return [*apart, ("user", "end")]


@pytest.mark.parametrize("record_text", [SERVED, RENDERED])
@given(turns=TURNS)
def test_the_model_reads_the_same_whichever_dialect_the_conversation_comes_in(record_text, turns):
    turns = separate_turns(turns)
    chat = prepared(
        record_text,
        messages=[{"role": "system", "content": "Be brief."}, *as_chat(turns)],
        tools=[{"type": "function", "function": TOOL}],
        temperature=0.5,
    )

    response = asked(
        record_text,
        instructions="Be brief.",
        input=as_input(turns),
        tools=[{"type": "function", **TOOL}],
        temperature=0.5,
    )

    assert response.invocation == chat.invocation
    assert response.spec.parser == chat.spec.parser


def test_text_beside_a_call_is_one_message_of_the_assistant():
    items = [
        {"role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "c1", "name": "search", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "search", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "one"}]},
        {"type": "function_call_output", "call_id": "c2", "output": "two"},
    ]

    messages = asked(input=items).invocation.body["messages"]

    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    assert messages[1]["content"] == "Let me see."
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["c1", "c2"]
    assert [message["content"] for message in messages[2:]] == ["one", "two"]


def test_parameters_have_the_names_of_a_chat():
    body = asked(
        max_output_tokens=7,
        top_p=0.5,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "finding", "schema": {"type": "object"}, "strict": True}},
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        store=True,
    ).invocation.body

    assert (body["max_tokens"], body["top_p"], body["reasoning_effort"], body["logprobs"]) == (7, 0.5, "low", True)
    assert body["response_format"]["json_schema"] == {"name": "finding", "schema": {"type": "object"}, "strict": True}


def test_hosted_tools_are_left_out_and_told():
    tools = [{"type": "web_search", "search_context_size": "low"}, {"type": "function", **TOOL}, {"type": "x\r\ny"}]

    spec = asked(tools=tools, tool_choice="auto").spec
    response = complete(spec, message(content="Hi")).response

    assert response.ignored == "tools.web_search, tools.2"
    assert [tool["name"] for tool in json.loads(response.body)["tools"]] == ["search"]


def test_a_choice_among_allowed_tools_leaves_out_the_others():
    tools = [{"type": "function", **TOOL}, {"type": "function", **TOOL, "name": "find"}]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "find"}]}

    body = asked(tools=tools, tool_choice=allowed).invocation.body

    assert [tool["function"]["name"] for tool in body["tools"]] == ["find"]
    assert body["tool_choice"] == "required"


@pytest.mark.parametrize(
    "body, code, param",
    [
        ({"previous_response_id": "resp_1"}, "unsupported_parameter", "previous_response_id"),
        ({"conversation": "conv_1"}, "unsupported_parameter", "conversation"),
        ({"prompt": {"id": "p"}}, "unsupported_parameter", "prompt"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"truncation": "auto"}, "unsupported_parameter", "truncation"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "unsupported_parameter", "input[0]"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "invalid_parameter", "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "invalid_parameter", "input[0].output"),
        ({"input": [{"role": "user"}]}, "invalid_parameter", "input[0].content"),
        ({"input": [{"content": "x"}]}, "invalid_parameter", "input[0].role"),
        ({"input": []}, "invalid_parameter", "input"),
        ({"input": 5}, "invalid_parameter", "input"),
        ({"tools": [{"type": "function"}]}, "invalid_parameter", "tools[0].name"),
        ({"tools": [{"type": "function", **TOOL}], "tool_choice": {"type": "function", "name": "no"}},
         "invalid_parameter", "tool_choice"),
        ({"tools": [{"type": "function", **TOOL}], "tool_choice": {"type": "web_search"}},
         "unsupported_parameter", "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "invalid_parameter", "text.format.schema"),
        ({"text": {"verbosity": "low"}}, "unsupported_parameter", "text.verbosity"),
        ({"max_output_tokens": 0}, "invalid_parameter", "max_output_tokens"),
        ({"colour": "red"}, "invalid_parameter", "colour"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_the_clients_own_name(body, code, param):
    told = as_the_client_sees_it(refusal(**body))

    assert (told["code"], told["param"]) == (code, param)
    assert told["message"].startswith(param)


def test_a_limit_that_the_chat_has_under_another_name_is_told_by_the_clients():
    told = as_the_client_sees_it(refusal(record(limits={"max_tokens": 5}), max_output_tokens=6))

    assert told["param"] == "max_output_tokens"
    assert told["message"] == "max_output_tokens: at most 5 for this model."


def test_a_response_is_one_that_openai_types_read():
    spec = asked(instructions="Be brief.", metadata={"a": "b"}, user="u").spec
    usage = {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    calls = [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}]

    body = json.loads(
        complete(spec, message(content="Hi", reasoning_content="Hm", tool_calls=calls) | usage).response.body
    )

    response = Response.model_validate(body)
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert (response.output_text, response.status, response.store) == ("Hi", "completed", False)
    assert (response.instructions, response.metadata) == ("Be brief.", {"a": "b"})
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (3, 2, 5)


@pytest.mark.parametrize(
    "finish_reason, status, reason",
    [("stop", "completed", None), ("length", "incomplete", "max_output_tokens"),
     ("content_filter", "incomplete", "content_filter")],
)  # fmt: skip
def test_an_answer_that_is_not_whole_is_incomplete_and_says_why(finish_reason, status, reason):
    answer = message(content="Hi")
    answer["choices"][0]["finish_reason"] = finish_reason

    whole = json.loads(complete(asked().spec, answer).response.body)
    last = events_of(asked(stream=True).spec, answer)[-1]

    for response in (whole, last["response"]):
        assert (response["status"], response["output"][-1]["status"]) == (status, status)
        assert response["incomplete_details"] == ({"reason": reason} if reason else None)
    assert last["type"] == f"response.{status}"


def delta(finish_reason=None, **fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def call_piece(place, arguments, **fields):
    function = {"arguments": arguments, **fields}
    call_id = {"id": f"c{place}", "type": "function"} if "name" in fields else {}
    return {"index": place, **call_id, "function": function}


def test_a_stream_announces_grows_and_repeats_each_item():
    events = events_of(
        asked(stream=True).spec,
        delta(reasoning_content="H"),
        delta(reasoning_content="m"),
        delta(content="Hi "),
        delta(content="there"),
        delta(tool_calls=[call_piece(0, "{", name="search"), call_piece(1, "{}", name="find")]),
        delta(tool_calls=[call_piece(0, "}")]),
        delta("tool_calls"),
    )

    kinds = [event["type"].removeprefix("response.") for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert kinds == [
        "created", "in_progress",
        "output_item.added", "reasoning_text.delta", "reasoning_text.delta", "reasoning_text.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done", "function_call_arguments.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    output = events[-1]["response"]["output"]
    assert [item.get("arguments") for item in output[2:]] == ["{}", "{}"]
    assert output[1]["content"][0]["text"] == "Hi there"


def test_a_stream_comes_to_the_same_response_as_the_whole_answer():
    calls = [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": 1}'}}]
    answer = message(content="Hi", reasoning_content="Hm", tool_calls=calls)

    whole = json.loads(complete(asked().spec, answer).response.body)
    streamed = events_of(asked(stream=True).spec, answer)[-1]["response"]

    assert streamed == whole


@pytest.mark.parametrize("thoughts", [[], [delta(reasoning_content="Hm")]])
def test_a_stream_without_a_word_is_an_empty_message(thoughts):
    events = events_of(asked(stream=True).spec, *thoughts, delta("stop"))

    assert events[-1]["response"]["output"][-1]["content"][0]["text"] == ""


def test_a_stream_that_fails_says_so_in_both_of_openais_ways():
    writer = dialects.find("responses").event_writer(asked(stream=True).spec)

    written = writer.fail(ApiError("model_unavailable"), "r-1").decode().strip().split("\n\n")

    events = [json.loads(event.split("\n")[1].removeprefix("data: ")) for event in written]
    assert [event["type"] for event in events] == [
        "response.created", "response.in_progress", "response.failed", "error",
    ]  # fmt: skip
    assert events[2]["response"]["error"]["code"] == "model_unavailable"
    assert events[3]["error"]["message"] == events[3]["message"]


def test_a_refusal_is_a_part_of_the_message():
    answer = message(content=None, refusal="No.")

    whole = json.loads(complete(asked().spec, answer).response.body)
    streamed = events_of(asked(stream=True).spec, answer)[-1]["response"]

    assert whole["output"] == streamed["output"]
    assert whole["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
