"""Work is bounded by the size of what comes: every list and text of a conversation, in every family."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.inference.conftest import record, variant
from tests.prompt_format.golden_files import template
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.pipeline.before_model import prepare
from tollgate_layer.inference.request import Request
from tollgate_layer.prompt_format import BUILT_INS

pytestmark = [pytest.mark.slow, pytest.mark.uncounted]

USER = {"role": "user", "content": "q"}
ANSWER = {"role": "assistant", "content": "a"}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}


def calls(ids: list[str], text: str = "", arguments: str = '{"a": 1}') -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "content": text, "tool_calls": [{"id": i, "function": function} for i in ids]}


def results(ids: list[str]) -> list[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": i, "content": "r"} for i in ids]


def numbered(count: int) -> list[str]:
    return [f"id{number}" for number in range(count)]


def same_end(count: int) -> list[str]:
    """Ids that share their last nine letters."""
    return [f"{number}aaaaaaaaa" for number in range(count)]


def tool(**fields: Any) -> dict[str, Any]:
    return {"messages": [USER], "tools": [{"type": "function", "function": {"name": "f", **fields}}]}


def with_tools(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [USER, *messages], "tools": [TOOL]}


# Each makes a request of about so many messages, calls, parts, characters …
GROWING: dict[str, Callable[[int], dict[str, Any]]] = {
    "turns": lambda n: {"messages": [USER, ANSWER] * (n // 2) + [USER]},
    "different turns": lambda n: {"messages": [{"role": "user", "content": f"q{i}"} for i in range(n)]},
    "a text": lambda n: {"messages": [{"role": "user", "content": "<|im_end|> [INST] x " * n}]},
    "a text of openings": lambda n: {"messages": [{"role": "user", "content": "<|<[<｜" * n}]},
    "a text of tags": lambda n: {"messages": [USER, {"role": "assistant", "content": "<think></think>" * n}, USER]},
    "parts": lambda n: {"messages": [{"role": "user", "content": [{"type": "text", "text": "<|im_"}] * n}]},
    "first system messages": lambda n: {"messages": [{"role": "system", "content": "s"}] * n + [USER]},
    "later system messages": lambda n: {"messages": [USER, ANSWER] + [{"role": "system", "content": "s"}] * n + [USER]},
    "system messages alone": lambda n: {"messages": [{"role": "developer", "content": "s"}] * n},
    "calls in a message": lambda n: with_tools(calls(numbered(n)), *results(numbered(n))),
    "ids with the same end": lambda n: with_tools(calls(same_end(n)), *results(same_end(n))),
    "the same id": lambda n: with_tools(calls(["id"] * n), *results(["id"] * n)),
    "results of no call": lambda n: with_tools(calls(["x", "y"]), *results(numbered(n))),
    "texts beside calls": lambda n: with_tools(*[calls(["1"], "t"), *results(["1"])] * n),
    "turns with calls": lambda n: with_tools(*[calls(["1"], "t"), *results(["1"]), ANSWER, USER] * n),
    "arguments": lambda n: with_tools(calls(["1"], arguments=json.dumps({"a": ["<s>"] * n}))),
    "tools' properties": lambda n: tool(parameters={"properties": {name: {} for name in numbered(n)}}),
    "a tool's description": lambda n: tool(description='<|"' * n),
    "documents": lambda n: {"messages": [USER], "documents": [{"text": "<s>"}] * n},
    "template variables": lambda n: {"messages": [USER], "chat_template_kwargs": {f"k{i}": "v" for i in range(n)}},
}  # fmt: skip


def families() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in BUILT_INS:
        yield name, variant(chat_template=name)
    for name in ("own-features", "own-reasoning", "own-alternating"):
        yield name, variant(chat_template=template(name), special_tokens={"bos_token": "<s>", "eos_token": "</s>"})
    yield "a served model", variant(tool_calls="hermes")


FAMILIES = dict(families())


def seconds(record_text: str, body: dict[str, Any]) -> float:
    """The processor's time for one request; a refusal takes time, too.

    The request is made without its dialect, whose caps (128 calls, for example) would refuse most of these.
    """
    parameters = {name: value for name, value in body.items() if name != "messages"}
    request = Request("r-1", "chat.completions", "m", parameters, messages=body["messages"])
    start = time.process_time()
    with contextlib.suppress(ApiError):
        prepare(request, record_text, 0.0)
    return time.process_time() - start


@pytest.mark.parametrize("name", FAMILIES)
def test_a_request_four_times_as_long_takes_four_times_as_long(name: str):
    record_text = record(FAMILIES[name])
    seconds(record_text, {"messages": [USER]})  # compiles and probes the template
    slow = []
    for growing, make in GROWING.items():
        small, large = make(500), make(2000)
        # Four times the time would be linear and sixteen times quadratic; a busy machine gets a second chance.
        if not any(seconds(record_text, large) < 9 * seconds(record_text, small) + 0.01 for _ in range(3)):
            slow.append(growing)

    assert slow == []
