"""Log-probabilities have the shape of the route, whichever shape the model has."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.dialects import find
from tollgate_layer.inference.pipeline.after_model import complete

RENDERED = record(variant(chat_template="qwen2.5"))
AT = {"tokens": ["Hé", "!"], "token_logprobs": [-0.5, -0.1], "text_offset": [0, 2],
      "top_logprobs": [{"Ho": -1.5, "Hé": -0.5, "Hu": -2.5}, {"!": -0.1, "?": -3.0}]}  # fmt: skip
CONTENT = [
    {"token": "Hé", "logprob": -0.5, "bytes": [72, 195, 169],
     "top_logprobs": [{"token": "Hé", "logprob": -0.5, "bytes": [72, 195, 169]},
                      {"token": "Ho", "logprob": -1.5, "bytes": [72, 111]}]},
    {"token": "!", "logprob": -0.1, "bytes": [33],
     "top_logprobs": [{"token": "!", "logprob": -0.1, "bytes": [33]}, {"token": "?", "logprob": -3.0, "bytes": [63]}]},
]  # fmt: skip


def choice(text, logprobs, finish_reason=None):
    return {"choices": [{"index": 0, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}]}


def first_logprobs(spec, answer):
    return json.loads(complete(spec, answer).response.body)["choices"][0]["logprobs"]


@pytest.mark.parametrize("asked, sent", [
    ({"logprobs": True}, 0), ({"logprobs": True, "top_logprobs": 0}, 0), ({"logprobs": True, "top_logprobs": 2}, 2),
    ({"logprobs": False}, None), ({}, None),
])  # fmt: skip
def test_a_chat_over_a_prompt_asks_as_text_completions_do(asked, sent):
    body = prepared(RENDERED, **asked).invocation.body

    assert (body.get("logprobs"), "top_logprobs" in body) == (sent, False)


def test_a_served_chat_asks_as_chats_do():
    body = prepared(record(), logprobs=True, top_logprobs=2).invocation.body

    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)


def test_a_chat_over_a_prompt_is_answered_as_chats_are():
    spec = prepared(RENDERED, logprobs=True, top_logprobs=2).spec

    assert first_logprobs(spec, choice("Hé!", AT, "stop")) == {"content": CONTENT}


def test_without_top_logprobs_the_lists_are_empty():
    spec = prepared(RENDERED, logprobs=True).spec

    for likely in (AT["top_logprobs"], None, [None, None], []):
        made = first_logprobs(spec, choice("Hé!", AT | {"top_logprobs": likely}, "stop"))
        assert [entry["top_logprobs"] for entry in made["content"]] == [[], []]


def test_a_streamed_chat_over_a_prompt_is_answered_as_chats_are():
    spec = prepared(RENDERED, logprobs=True, top_logprobs=2, stream=True).spec
    pieces = [{name: values[place : place + 1] for name, values in AT.items()} for place in (0, 1)]
    events = [choice("Hé", pieces[0]), choice("!", pieces[1]), choice("", None, "stop")]
    reader, writer = AnswerReader(spec), find(spec.dialect).event_writer(spec)

    deltas = [delta for event in events for delta in reader.feed(FORMATS[spec.body_format].read(event))]
    chunks = [json.loads(event[6:]) for event in b"".join(map(writer.write, deltas)).decode().strip().split("\n\n")]

    made = [entry for chunk in chunks for entry in (chunk["choices"][0]["logprobs"] or {}).get("content", ())]
    assert made == CONTENT


def test_a_text_completion_keeps_its_own_shape():
    spec = prepared(record(), dialect="completions", prompt="x", logprobs=2).spec

    assert first_logprobs(spec, choice("Hé!", AT, "stop")) == AT


def test_what_the_model_does_not_know_is_as_unlikely_as_can_be_and_half_a_character_has_no_bytes():
    spec = prepared(RENDERED, logprobs=True).spec
    unknown = {"tokens": ["<s>", "\ufffd"], "token_logprobs": [None, -1]}

    assert first_logprobs(spec, choice("x", unknown, "stop"))["content"] == [
        {"token": "<s>", "logprob": -9999.0, "bytes": [60, 115, 62], "top_logprobs": []},
        {"token": "\ufffd", "logprob": -1, "bytes": None, "top_logprobs": []},
    ]
