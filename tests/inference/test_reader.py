"""Reading a model's answer: the same deltas, whole or in any pieces."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference import dialects
from tollgate_layer.inference.answer_reader import AnswerReader, StopFilter
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import add_up
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.pipeline.after_model import complete


def spec_for(dialect="chat.completions", body_format="bedrock", template="chatml", **request):
    if dialect == "completions":
        request["prompt"] = "x"
    return prepared(record(variant(body_format=body_format, chat_template=template)), dialect=dialect, **request).spec


def read(spec, *events):
    reader = AnswerReader(spec)
    deltas = [d for event in events for d in reader.feed(FORMATS[spec.body_format].read(event))]
    return [*deltas, *reader.finish()], reader


def written(spec, deltas, reader):
    """The completion of the deltas as its dialect writes it."""
    return json.loads(dialects.find(spec.dialect).write(spec, add_up(deltas, reader.usage)))


def events_of(spec, deltas, end=""):
    """The stream of the deltas as its dialect writes it."""
    writer = dialects.find(spec.dialect).event_writer(spec)
    text = b"".join(map(writer.write, deltas)).decode() + end
    return [json.loads(event.removeprefix("data: ")) for event in text.strip().split("\n\n")]


def content(deltas):
    return "".join(delta.content or "" for delta in deltas)


@given(
    st.text("ENDx ", max_size=40), st.lists(st.integers(0, 40)), st.sampled_from([["END"], ["N", "DE"], ["xx", "xEN"]])
)
def test_a_stop_sequence_is_found_wherever_the_text_is_split(text, cuts, stop):
    # GIVEN what one piece gives
    first = min((at for at in map(text.find, stop) if at >= 0), default=len(text))

    # WHEN the same text comes in pieces
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    filter_ = StopFilter(stop)
    passed = "".join(filter_.feed(text[a:b]) for a, b in itertools.pairwise(bounds)) + filter_.finish()

    # THEN it ends at the same place, or a little before where a longer match hid a shorter one
    assert passed == text[: len(passed)]
    assert len(passed) <= first or not filter_.hit
    assert filter_.hit == (first < len(text))


def test_text_after_a_stop_sequence_never_comes():
    deltas, _ = read(spec_for(stop="END"), {"generation": "one E"}, {"generation": "ND two", "stop_reason": "length"})

    assert content(deltas) == "one "
    assert deltas[-1].finish_reason == "stop"


@pytest.mark.parametrize(
    "word, reason",
    [("stop", "stop"), ("length", "length"), ("max_tokens", "length"), ("end_turn", "stop"), ("whim", "stop")],
)
def test_finish_reasons_are_normalised_and_a_word_of_the_models_own_is_not_logged(word, reason):
    deltas, reader = read(spec_for(), {"generation": "x", "stop_reason": word})

    assert deltas[-1].finish_reason == reason
    assert reader.outcome().stop_reasons == ["other" if word == "whim" else word]


def test_a_tool_call_in_the_text_becomes_a_tool_call():
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    spec = spec_for(template="qwen2.5", tools=[tool])
    text = 'Sure.\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'

    whole, reader = read(spec, {"generation": text, "stop_reason": "stop"})
    pieces, _ = read(spec, *({"generation": c} for c in text), {"generation": "", "stop_reason": "stop"})

    message = written(spec, whole, reader)["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    (call,) = message["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("add", {"a": 1})
    streamed = written(spec, pieces, reader)["choices"][0]["message"]
    assert streamed["tool_calls"][0]["function"] == call["function"]
    assert (streamed["content"] or "").strip() == "Sure."


def test_thoughts_go_to_reasoning_content():
    spec = spec_for(template="qwen3")

    deltas, reader = read(spec, {"generation": "<think>\nhm\n</think>\n\nYes.", "stop_reason": "stop"})

    message = written(spec, deltas, reader)["choices"][0]["message"]
    assert (message["reasoning_content"].strip(), message["content"].strip()) == ("hm", "Yes.")


def test_an_openai_servers_message_goes_through_as_it_is():
    spec = prepared(record()).spec
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    answer = {
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "logprobs": {"content": [{"token": "a"}]},
             "message": {"content": None, "tool_calls": [call], "reasoning_content": "hm"}},
            {"index": 1, "finish_reason": "length", "message": {"content": "two"}},
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }  # fmt: skip

    body = json.loads(complete(spec, answer).response.body)

    first, second = body["choices"]
    assert first["message"] == {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call],
                                "reasoning_content": "hm"}  # fmt: skip
    assert first["logprobs"] == {"content": [{"token": "a"}]}
    assert (second["index"], second["message"]["content"], second["finish_reason"]) == (1, "two", "length")
    assert body["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_an_openai_servers_stream_goes_through_delta_by_delta():
    spec = prepared(record(), stream=True).spec
    calls = [
        [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": '{"a"'}}],
        [{"index": 0, "function": {"arguments": ":1}"}}],
    ]
    events = [{"choices": [{"index": 0, "delta": {"role": "assistant"}}]}]
    events += [{"choices": [{"index": 0, "delta": {"tool_calls": call}}]} for call in calls]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}]
    events += [{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}]

    deltas, reader = read(spec, *events)

    chunks = events_of(spec, deltas)
    sent = [chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks]
    assert sent == [None, *([{**call[0]}] for call in calls), None]
    assert reader.usage == Usage(3, 4)
    assert reader.finished


def test_token_counts_come_from_wherever_the_stream_says_them():
    _, reader = read(
        spec_for(),
        {"generation": "a", "prompt_token_count": 7, "generation_token_count": 1},
        {"generation": "b", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": "stop"},
    )
    assert reader.usage == Usage(7, 2)

    metrics = {"inputTokenCount": 5, "outputTokenCount": 6}
    _, reader = read(
        spec_for(body_format="mistral"),
        {"outputs": [{"text": "a", "stop_reason": "stop"}], "amazon-bedrock-invocationMetrics": metrics},
    )
    assert reader.usage == Usage(5, 6)


def test_a_stream_is_role_content_finish_usage_done():
    spec = spec_for(stream=True, stream_options={"include_usage": True})
    deltas, _ = read(spec, {"generation": "Hi", "stop_reason": "stop"})
    writer = dialects.find(spec.dialect).event_writer(spec)

    text = (b"".join(map(writer.write, deltas)) + writer.end(Usage(1, 2))).decode()

    *events, done = text.strip().split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert done == "data: [DONE]"
    assert {(c["id"], c["created"], c["model"], c["object"]) for c in chunks} == {
        (spec.id, spec.created, "m", "chat.completion.chunk")
    }
    assert [c["choices"][0]["delta"] for c in chunks[:-1]] == [
        {"role": "assistant", "content": ""}, {"content": "Hi"}, {}
    ]  # fmt: skip
    assert chunks[-1]["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert chunks[-1]["choices"] == []


def test_a_text_completions_stream_has_texts():
    spec = spec_for(dialect="completions", stream=True)
    deltas, _ = read(spec, {"generation": "Hi", "stop_reason": "length"})

    assert [event["choices"][0]["text"] for event in events_of(spec, deltas)] == ["Hi", ""]


@pytest.mark.parametrize("body_format", ["openai", "bedrock", "mistral"])
@pytest.mark.parametrize(
    "answer",
    [None, 5, "text", [], {}, {"choices": 5}, {"choices": []}, {"outputs": []},
     {"choices": [5]}, {"choices": [{}]}, {"generation": 5},
     {"outputs": [{}]}, {"outputs": None}, {"choices": [{"message": {"content": 5}}]},
     {"choices": [{"text": None}]}],
)  # fmt: skip
def test_an_answer_that_is_not_of_the_format_is_an_answer_error(body_format, answer):
    with pytest.raises(AnswerError):
        complete(spec_for(body_format=body_format), answer)
