"""Work grows with the size of what came: doubling any list or text of a request or an answer doubles the time.

Times are of the CPU, the best of several runs, and compared with themselves: four times the size may take up to nine
times as long, since the machine may be busy and the smallest size has costs that do not grow. Quadratic work takes
sixteen times as long. A case that fails is measured up to five times more: other tests run beside it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference import dialects
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.pipeline.after_model import complete

pytestmark = [pytest.mark.slow, pytest.mark.uncounted]

MOST_GROWTH = 9.0
MORE_TRIES = 5
SERVED = record()
RENDERED = record(variant(body_format="openai", chat_template="qwen2.5"))
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
WORD = 'An "odd" <|word|> of [some] {{ length }}, é😀. '


def assert_linear(work: Callable[[Any], object], of_size: Callable[[int], Any], size: int) -> None:
    growth = _growth(work, of_size, size)
    for _ in range(MORE_TRIES):
        if growth <= MOST_GROWTH:
            break
        growth = min(growth, _growth(work, of_size, size))
    assert growth <= MOST_GROWTH, f"four times the size takes {growth:.1f} times as long"


def _growth(work: Callable[[Any], object], of_size: Callable[[int], Any], size: int) -> float:
    return _seconds(work, of_size(4 * size)) / _seconds(work, of_size(size))


def _seconds(work: Callable[[Any], object], material: Any) -> float:
    """The CPU time of one run, at its best; times too short to be told apart count as a millisecond."""
    best = float("inf")
    started = time.process_time()
    while True:
        before = time.process_time()
        work(material)
        best = min(best, time.process_time() - before)
        if time.process_time() - started > 0.04:
            return max(best, 0.001)


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def called(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A conversation with one answer that has these calls, each of them answered."""
    answers = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    return [*user("Hello"), {"role": "assistant", "content": None, "tool_calls": calls}, *answers]


def call(number: int, arguments: str = "{}") -> dict[str, Any]:
    return {"id": f"{number}aaaaaaaaa", "type": "function", "function": {"name": "f", "arguments": arguments}}


# Each makes a request of a size; lists with a most stay below it.
REQUESTS: dict[str, tuple[int, Callable[[int], dict[str, Any]]]] = {
    "messages": (512, lambda n: {"messages": [*user("x"), {"role": "assistant", "content": "x"}] * (n // 2)}),
    "system messages": (512, lambda n: {"messages": [{"role": "system", "content": "x"}] * (n - 1) + user("x")}),
    "a text": (20_000, lambda n: {"messages": user(WORD * n)}),
    "a text without an end": (20_000, lambda n: {"messages": user("<|" * n)}),
    "brackets": (50_000, lambda n: {"messages": user("{[" * n + '"' + '\\"' * n)}),
    "escaped halves of pairs": (20_000, lambda n: {"messages": called([call(0, json.dumps("\ud83d" * n))])}),
    "parts": (5_000, lambda n: {"messages": user([{"type": "text", "text": "x"}] * n)}),
    "calls": (32, lambda n: {"messages": called([call(i) for i in range(n)]), "tools": [TOOL]}),
    "a call's arguments": (20_000, lambda n: {
        "messages": called([call(0, json.dumps({"a": WORD * n}))]), "tools": [TOOL]}),
    "arguments with brackets": (20_000, lambda n: {
        "messages": called([call(0, "[" + "[]," * n + '"' + '\\"' * n)])}),
    "annotations": (5_000, lambda n: {
        "messages": [*user("x"), {"role": "assistant", "content": "x", "annotations": [{}] * n}]}),
    "tools": (32, lambda n: {"tools": [TOOL] * n}),
    "a tool's schema": (3_000, lambda n: {"tools": [{"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(n)}}}}]}),
    "stop sequences": (4, lambda n: {"stop": ["x" * 4000] * n}),
    "a stop sequence": (1_000, lambda n: {"stop": "x" * n}),
    "logit_bias": (10_000, lambda n: {"logit_bias": {str(i): 1 for i in range(n)}}),
    "chat_template_kwargs": (3_000, lambda n: {"chat_template_kwargs": {f"k{i}": "x" for i in range(n)}}),
    "documents": (3_000, lambda n: {"documents": [{"text": "x"}] * n}),
    "response_format": (10_000, lambda n: {"response_format": {"type": "json_schema", "json_schema": {
        "name": "n", "schema": {"properties": {f"p{i}": {} for i in range(n)}}}}}),
    "user": (100_000, lambda n: {"user": "u" * n}),
    "unknown names": (5_000, lambda n: {f"name{i}": i for i in range(n)}),
    "a name with dots": (100_000, lambda n: {"metadata": {"a." * n: 5}}),
    "null names": (20_000, lambda n: {f"name{i}": None for i in range(n)}),
    "wrong messages": (500, lambda n: {"messages": [{"role": "robot"}] * n}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("record_text", [SERVED, RENDERED], ids=["served", "rendered"])
def test_a_request_is_read_in_linear_time(record_text, name):
    size, request = REQUESTS[name]

    def work(body: dict[str, Any]) -> None:
        try:
            prepared(record_text, **body)
        except ApiError as error:
            assert error.kind.status == 400  # noqa: PT017 -- refused or not, it must not take long

    assert_linear(work, request, size)


def spec_for(body_format: str, **request: Any) -> CompletionSpec:
    templates = {"openai_chat": None, "bedrock": "llama3.1", "mistral": "mistral-v3"}
    made = variant(body_format=body_format.split("_")[0], chat_template=templates.get(body_format, "qwen3"))
    if body_format == "tgi":
        made |= {"backend": "sagemaker", "endpoint_name": "prod", "model_id": ""}
    if body_format == "openai_chat":
        made |= {"tool_calls": "hermes", "reasoning": True}
    asked = {"stop": ["a" * 4000 + "b", "END"], "tools": [TOOL]} | request
    return prepared(record(made), **asked).spec


def answer_of(body_format: str, text: str, stop_reason: str | None, **extra: Any) -> dict[str, Any]:
    """A whole answer that says a text, or an event that does."""
    if body_format == "bedrock":
        return {"generation": text, "stop_reason": stop_reason}
    if body_format == "mistral":
        return {"outputs": [{"text": text, "stop_reason": stop_reason}]}
    if body_format == "tgi":
        details = {"finish_reason": stop_reason} if stop_reason else None
        return {"generated_text": text, "token": {"text": text}, "details": details}
    if body_format == "openai_completion":
        return {"choices": [{"index": 0, "text": text, "finish_reason": stop_reason, **extra}]}
    field = "message" if stop_reason else "delta"
    return {"choices": [{"index": 0, field: {"content": text}, "finish_reason": stop_reason, **extra}]}


TEXTS = {
    "calls that never end": '<tool_call>{"name": "f", "arguments": {"a": "',
    "words": WORD,
    "the beginning of a stop sequence": "a",
    "stop sequences that miss their ends": "a" * 3999 + "c",
    "thoughts": "<think>",
    "halves of pairs": "\ud83d",
    "brackets": "[{",
    "spaces": " ",
}
FORMAT_NAMES = [*FORMATS]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("body_format", FORMAT_NAMES)
def test_a_whole_answer_is_read_in_linear_time(body_format, text):
    spec = spec_for(body_format)
    pattern = TEXTS[text]

    assert_linear(
        lambda answer: complete(spec, answer),
        lambda n: answer_of(body_format, pattern * (n // len(pattern)), "stop"),
        40_000,
    )


def read_events(spec: CompletionSpec, events: list[Any]) -> None:
    reader = AnswerReader(spec)
    writer = dialects.find(spec.dialect).event_writer(spec)
    for event in events:
        for delta in reader.feed(FORMATS[spec.body_format].read(event)):
            writer.write(delta)
    for delta in reader.finish():
        writer.write(delta)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("body_format", FORMAT_NAMES)
def test_a_stream_is_read_in_linear_time(body_format, text):
    spec = spec_for(body_format, stream=True)

    def events(size: int) -> list[Any]:
        whole = TEXTS[text] * (size // len(TEXTS[text]) + 1)
        return [answer_of(body_format, whole[at : at + 4], None) for at in range(0, 4 * size, 4)]

    assert_linear(lambda material: read_events(spec, material), events, 1_000)


def chat_answer(message: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}]}


LOGPROB = {"token": "x", "logprob": -1.0, "top_logprobs": [{"token": "x", "logprob": -1.0}] * 5}
ANSWERS: dict[str, tuple[int, Callable[[int], dict[str, Any]]]] = {
    "calls": (1_000, lambda n: chat_answer({"tool_calls": [call(i) for i in range(n)]})),
    "a call's arguments": (100_000, lambda n: chat_answer({"tool_calls": [call(0, "x" * n)]})),
    "arguments as an object": (5_000, lambda n: chat_answer({"tool_calls": [
        {"id": "c", "function": {"name": "f", "arguments": {f"a{i}": 1 for i in range(n)}}}]})),
    "reasoning": (100_000, lambda n: chat_answer({"reasoning": "x" * n})),
    "refusal": (100_000, lambda n: chat_answer({"refusal": "x\ud83d" * n})),
    "log-probabilities": (1_000, lambda n: chat_answer({"content": "x"}, logprobs={"content": [LOGPROB] * n})),
    "choices": (32, lambda n: {"choices": [
        {"index": i, "message": {"content": WORD * 50}, "finish_reason": "stop"} for i in range(n)]}),
    "a stop reason": (100_000, lambda n: chat_answer({"content": "x"}, finish_reason="x" * n)),
    "unknown fields": (10_000, lambda n: chat_answer({"content": "x"}) | {f"f{i}": i for i in range(n)}),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_list_and_text_of_an_answer_is_read_in_linear_time(name, stream):
    spec = prepared(SERVED, stream=stream).spec
    size, answer = ANSWERS[name]

    assert_linear(lambda material: complete(spec, material), answer, size)


PIECES: dict[str, Callable[[int], dict[str, Any]]] = {
    "calls": lambda i: {"tool_calls": [{"index": i, **call(i)}]},
    "calls without numbers": lambda i: {"tool_calls": [call(i)]},
    "pieces of a call": lambda i: {"tool_calls": [{"index": 0, **call(0, "x")}]},
    "reasoning": lambda i: {"reasoning": "x\ud83d"},
    "refusal": lambda i: {"refusal": "x"},
}  # fmt: skip


@pytest.mark.parametrize("name", PIECES)
def test_every_list_and_text_that_comes_in_pieces_is_read_in_linear_time(name):
    spec = prepared(SERVED, stream=True).spec

    assert_linear(
        lambda events: read_events(spec, events),
        lambda n: [{"choices": [{"index": 0, "delta": PIECES[name](i)}]} for i in range(n)],
        1_000,
    )
