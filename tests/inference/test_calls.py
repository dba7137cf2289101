"""Tool calls, as OpenAI's servers, vLLM and Ollama write them: every spelling comes to the same calls."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.inference.conftest import prepared, record
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.completion import add_up
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.pipeline.after_model import complete

pytestmark = pytest.mark.uncounted


def call(name="f", arguments='{"a":1}', **fields):
    return {"function": {"name": name, "arguments": arguments}, **fields}


def whole(*calls):
    """The calls in the completion of a whole answer."""
    message = {"content": None, "tool_calls": list(calls)}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    body = json.loads(complete(prepared(record()).spec, answer).response.body)
    return body["choices"][0]["message"]["tool_calls"]


def streamed(*pieces):
    """The calls in the completion of a stream, in each of whose events is one list of pieces."""
    calls = streamed_calls(*pieces)
    ids = [call.id for call in calls]
    assert len(ids) == len(set(ids)), "each call has its id once"
    return calls


def streamed_calls(*pieces):
    """The same, where a server may give two calls one id."""
    reader = AnswerReader(prepared(record(), stream=True).spec)
    events = [{"choices": [{"index": 0, "delta": {"tool_calls": calls}}]} for calls in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    deltas = [delta for event in events for delta in reader.feed(FORMATS["openai_chat"].read(event))]
    begun = [piece.position for delta in deltas for piece in delta.calls if piece.id is not None]
    assert len(begun) == len(set(begun)), "each call has its id once"
    (choice,) = add_up(deltas, reader.usage).choices
    return choice.calls


@pytest.mark.parametrize("nothing", [None, "", {}, "{}"])
def test_no_arguments_are_an_empty_object_however_they_are_written(nothing):
    assert whole(call(arguments=nothing, id="c"))[0]["function"]["arguments"] == "{}"
    assert streamed([call(arguments=nothing, id="c", index=0)])[0].arguments == "{}"


def test_missing_arguments_are_an_empty_object():
    without = {"id": "c", "index": 0, "function": {"name": "f"}}

    assert whole(without)[0]["function"]["arguments"] == "{}"
    assert streamed([without])[0].arguments == "{}"


def test_arguments_as_an_object_become_json():
    assert whole(call(arguments={"a": "é"}, id="c"))[0]["function"]["arguments"] == '{"a":"é"}'
    assert streamed([call(arguments={"a": "é"}, id="c")])[0].arguments == '{"a":"é"}'


@pytest.mark.parametrize("id_", [{}, {"id": None}, {"id": ""}])
def test_a_call_without_an_id_gets_one(id_):
    (made,) = whole(call(**id_))
    assert made["id"].startswith("call_")
    assert streamed([call(index=0, **id_)])[0].id.startswith("call_")


@pytest.mark.parametrize(
    "numbers", [(0, 1), (None, None), (0, 0), ("0", "1"), (1, 4)], ids=lambda numbers: str(numbers)
)
def test_two_whole_calls_are_two_calls_however_they_are_numbered(numbers):
    calls = [call(name=f"f{place}", id=f"c{place}", index=number) for place, number in enumerate(numbers)]

    for made in (streamed(calls), streamed(*([piece] for piece in calls))):
        assert [(each.id, each.name, each.arguments) for each in made] == [
            ("c0", "f0", '{"a":1}'), ("c1", "f1", '{"a":1}')]  # fmt: skip
    assert [each["function"]["name"] for each in whole(*calls)] == ["f0", "f1"]


def test_calls_without_ids_and_numbers_begin_with_their_names():
    made = streamed(
        [call(name="f", arguments="")], [call(name=None)], [call(name="g", arguments="")], [call(name=None)]
    )

    assert [(each.name, each.arguments) for each in made] == [("f", '{"a":1}'), ("g", '{"a":1}')]


def test_pieces_of_parallel_calls_may_alternate():
    made = streamed(
        [call(name="f", arguments="", id="c0", index=0), call(name="g", arguments="", id="c1", index=1)],
        [call(name=None, arguments="{", index=0)],
        [call(name=None, arguments="{", index=1)],
        [call(name=None, arguments="}", index=0), call(name=None, arguments=' "b":2}', index=1)],
    )

    assert [each.arguments for each in made] == ["{}", '{ "b":2}']


def test_a_server_that_repeats_id_and_name_in_each_piece_makes_one_call():
    made = streamed([call(arguments='{"a"', id="c", index=0)], [call(arguments=":1}", id="c", index=0)])

    assert made == [("c", "f", '{"a":1}')]


def test_an_id_may_come_before_the_name():
    made = streamed([{"index": 0, "id": "c", "type": "function"}], [call(index=0)])

    assert made == [("c", "f", '{"a":1}')]


@pytest.mark.parametrize(
    "calls",
    [[{"id": "c"}], [{"id": "c", "function": None}], [{"id": "c", "function": {}}], [call(name="")], [call(name=5)],
     [call(arguments=5)], [call(arguments=[1])], ["f"], "f", {"f": 1}, [None], [call(id=5)]],
)  # fmt: skip
def test_what_is_no_call_is_an_answer_error(calls):
    answer = {"choices": [{"index": 0, "message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}

    with pytest.raises(AnswerError):
        complete(prepared(record()).spec, answer)


@pytest.mark.parametrize("number", [-1, 1.5, True, "x", "", [], {}, "1" * 5000])
def test_what_is_no_number_of_a_call_or_choice_is_an_answer_error(number):
    with pytest.raises(AnswerError):
        streamed([call(index=number)])
    with pytest.raises(AnswerError):
        FORMATS["openai_chat"].read({"choices": [{"index": number, "delta": {"content": "x"}}]})


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_thoughts_are_read_under_both_names(name):
    answer = {"choices": [{"index": 0, "message": {"content": "42", name: "because"}, "finish_reason": "stop"}]}

    body = json.loads(complete(prepared(record()).spec, answer).response.body)

    assert body["choices"][0]["message"]["reasoning_content"] == "because"


@pytest.mark.parametrize(
    "last",
    [
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"choices": None, "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 1}},
    ],
)
@pytest.mark.parametrize("body_format", ["openai_chat", "openai_completion"])
def test_a_last_event_may_have_usage_and_no_choices(last, body_format):
    parts, usage = FORMATS[body_format].read(last)

    assert (list(parts), usage) == ([], (3, 1))


@pytest.mark.parametrize(
    "last", [{"index": 0, "finish_reason": "stop"}, {"index": 0, "delta": None, "finish_reason": "stop"},
             {"finish_reason": "stop"}]
)  # fmt: skip
def test_the_event_that_ends_a_choice_may_have_no_delta(last):
    (part,) = FORMATS["openai_chat"].read({"choices": [last]}).parts
    assert (part.choice_number, part.text, part.stop_reason) == (0, "", "stop")
    (part,) = FORMATS["openai_completion"].read({"choices": [last]}).parts
    assert (part.choice_number, part.text, part.stop_reason) == (0, "", "stop")


def test_an_empty_finish_reason_ends_nothing():
    (part,) = FORMATS["openai_chat"].read({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}).parts

    assert part.stop_reason is None


NUMBERINGS = {
    "by their order": lambda place: {"index": place},
    "as text": lambda place: {"index": str(place)},
    "with gaps": lambda place: {"index": 3 * place + 1},
    "all 0": lambda place: {"index": 0},
    "not at all": lambda place: {},
}
CUTS = {
    "whole": lambda call, at: [call],
    "name first": lambda call, at: [with_arguments(call, ""), bare(call, arguments_of(call))],
    "in two pieces": lambda call, at: [
        with_arguments(call, arguments_of(call)[:at]), bare(call, arguments_of(call)[at:])
    ],
    "in pieces": lambda call, at: [
        with_arguments(call, arguments_of(call)[:at]), bare(call, arguments_of(call)[at:at + 1]),
        bare(call, arguments_of(call)[at + 1:]), bare(call, ""),
    ],
    "id and name in each piece": lambda call, at: [
        with_arguments(call, ""), with_arguments(call, arguments_of(call)[:at]),
        with_arguments(call, arguments_of(call)[at:]), with_arguments(call, ""),
    ],
    "id first": lambda call, at: [
        {name: value for name, value in call.items() if name != "function"}, {**call, "id": None}
    ],
}  # fmt: skip


def arguments_of(each):
    return each["function"]["arguments"]


def with_arguments(each, arguments):
    return {**each, "function": {**each["function"], "arguments": arguments}}


def bare(each, arguments):
    """A piece that says nothing but arguments, and the call's number where it has one."""
    return {name: value for name, value in each.items() if name == "index"} | {"function": {"arguments": arguments}}


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("fg"),
            st.dictionaries(st.text('a"\\{}[]é', max_size=4), st.text('b"\\{}[]', max_size=6) | st.just({"c": [1]})),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([*NUMBERINGS]),
    st.sampled_from([*CUTS]),
    st.sampled_from(["own ids", "one id", "no ids"]),
    st.integers(1, 20),
    st.booleans(),
)
def test_calls_in_pieces_are_the_same_calls_as_whole(written, numbering, cut, ids, at, in_one_event):
    # GIVEN calls, and a way to write them that tells where one begins
    calls = []
    for place, (name, arguments) in enumerate(written):
        id_ = {"own ids": {"id": f"c{place}"}, "one id": {"id": "c"}, "no ids": {}}[ids]
        text = json.dumps(arguments, ensure_ascii=False)
        calls.append(call(name, text, **id_, **NUMBERINGS[numbering](place)))
    if cut == "id first":
        assume(ids == "own ids")
    if cut == "id and name in each piece":
        assume(ids != "no ids" or numbering != "not at all")

    # WHEN they come in pieces
    pieces = [piece for each in calls for piece in CUTS[cut](each, at)]
    made = streamed_calls(*([pieces] if in_one_event else ([piece] for piece in pieces)))

    # THEN they are the calls of the whole answer
    expected = [(each["function"]["name"], arguments_of(each)) for each in whole(*calls)]
    assert [(each.name, each.arguments) for each in made] == expected
    if ids != "no ids":
        assert [each.id for each in made] == [each["id"] for each in calls]


@pytest.mark.parametrize("number", [{}, {"index": 0}, {"index": None}])
@pytest.mark.parametrize("id_", [{"id": "c"}, {}])
def test_a_name_behind_complete_arguments_begins_another_call(number, id_):
    calls = [call("f", "{}", **id_, **number), call("g", "{}", **id_, **number), call("g", '{"a":1}', **id_, **number)]

    for made in (streamed_calls(calls), streamed_calls(*([piece] for piece in calls))):
        assert [each[1:] for each in made] == [("f", "{}"), ("g", "{}"), ("g", '{"a":1}')]


def test_brackets_and_quotes_in_texts_complete_no_arguments():
    pieces = ['{"a":"}', '\\', '"}"', "}"]  # fmt: skip

    made = streamed_calls(*([call("f", piece, id="c", index=0)] for piece in pieces))

    assert made == [("c", "f", '{"a":"}\\"}"}')]


def test_pieces_that_each_repeat_the_name_are_read_in_linear_time():
    def seconds(number):
        began = time.process_time()
        made = streamed_calls(
            *([call("f", piece, id="c", index=0)] for piece in ['{"a":"', *["[" * 20] * number, '"}'])
        )
        assert len(made) == 1
        return time.process_time() - began

    seconds(100)
    assert min(seconds(16_000) for _ in range(3)) < 20 * min(seconds(2_000) for _ in range(3))


def test_an_id_that_comes_behind_the_name_begins_no_other_call():
    made = streamed_calls([call("f", "", index=0)], [{"id": "c", "index": 0}], [call(None, '{"a":1}', index=0)])

    assert [each[1:] for each in made] == [("f", '{"a":1}')]


def test_another_id_without_a_name_is_no_call():
    pieces = [[call("f", "{}", id="c")], [call("f", "", id="c")], [call(None, "{}", id="d")]]

    with pytest.raises(AnswerError):
        streamed_calls(*pieces)
