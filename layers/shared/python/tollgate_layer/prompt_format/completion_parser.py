"""Completion text to content, reasoning and tool calls, while it is still arriving."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .pieces import Content, Piece, Reasoning
from .reasoning import ReasoningSplitter

if TYPE_CHECKING:
    from .tool_calls.splitter import ToolCallSplitter


class CompletionParser:
    """Reads one completion. Feed it text as it comes, then finish; a whole answer is fed once.

    However the text is split, the pieces add up to the same. Content and reasoning leave as soon as they cannot
    be the beginning of a mark any more. A call leaves when it is complete and known to be one, so that
    what merely looks like a call stays text and arguments are always a JSON object.

    >>> parser = CompletionParser(tool_calls="hermes", reasoning=True, new_id=lambda: "call_1")
    >>> parser.feed("<think>A city.</think>Let me see.<tool_")
    [Reasoning(text='A city.'), Content(text='Let me see.')]
    >>> parser.feed('call>{"name": "weather", "arguments": {"city": "Paris"}}</tool_call>')
    [ToolCall(id='call_1', index=0, name='weather'), ToolArguments(index=0, text='{"city": "Paris"}')]
    >>> parser.finish()
    []

    Args:
        tool_calls: `hermes`, `mistral`, `llama3_json`, `qwen3_coder`, or None where no tools were offered.
        tools: the offered tools; a call of any other is text. Without them every name counts. Their schemas give the
            types of `qwen3_coder`'s values.
        reasoning: whether a leading `<think>` block is told apart.
        starts_in_reasoning: the prompt has opened the block (`opens_reasoning(prompt)`).
        begun: what the prompt has begun the answer with, such as a call: it is read in front of the model's text.
        new_id: makes the ids of calls; by default random ones as the family writes them.

    Raises:
        ValueError: `tool_calls` names no syntax.
    """

    def __init__(
        self,
        *,
        tool_calls: str | None,
        tools: Sequence[Mapping[str, Any]] = (),
        reasoning: bool = False,
        starts_in_reasoning: bool = False,
        begun: str = "",
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._begun = begun
        self._reasoning: ReasoningSplitter | None = None
        if reasoning:
            self._reasoning = ReasoningSplitter(starts_inside=starts_in_reasoning)
        self._calls: ToolCallSplitter | None = None
        if tool_calls is not None:
            self._calls = _call_splitter(tool_calls, tools, new_id)

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain with this text."""
        return self._read(text, final=False)

    def finish(self) -> list[Piece]:
        """What was still held back."""
        return self._read("", final=True)

    def _read(self, text: str, *, final: bool) -> list[Piece]:
        pieces: list[Piece] = []
        if text and self._begun:
            text, self._begun = self._begun + text, ""
        if self._reasoning is not None:
            reasoning, text = self._reasoning.feed(text, final=final)
            if reasoning:
                pieces.append(Reasoning(reasoning))
        if self._calls is not None:
            pieces += self._calls.feed(text, final=final)
        elif text:
            pieces.append(Content(text))
        return pieces


def _call_splitter(name: str, tools: Sequence[Mapping[str, Any]], new_id: Callable[[], str] | None) -> ToolCallSplitter:
    # Most functions start for requests without tools, and need not load what reads calls.
    from .tool_calls.splitter import ToolCallSplitter
    from .tool_calls.syntax import SYNTAXES

    if name not in SYNTAXES:
        raise ValueError(f"{name!r} is no tool-call syntax; there are {', '.join(SYNTAXES)}.")
    offered = {}
    for tool in tools:
        function = tool.get("function", tool)
        properties = (function.get("parameters") or {}).get("properties")
        offered[function["name"]] = properties if isinstance(properties, dict) else {}
    if new_id is None:
        new_id = mistral_id if name == "mistral" else openai_id
    return ToolCallSplitter(SYNTAXES[name], offered, new_id)


def openai_id() -> str:
    """A random call id of OpenAI's form."""
    return f"call_{os.urandom(12).hex()}"


def mistral_id() -> str:
    """Nine letters and digits: what Mistral's templates accept when the call comes back in a conversation."""
    return os.urandom(5).hex()[:9]
