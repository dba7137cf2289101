"""Completion text to content, reasoning and tool calls, while it is still arriving."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .pieces import Content, Piece, Reasoning, ToolArguments, ToolCall
from .reasoning import ReasoningSplitter, partial_suffix
from .tool_syntax import SYNTAXES, WAIT, CallReader, Calls, Reading, Syntax


class CompletionParser:
    """Reads one completion. Feed it text as it comes, then finish; a whole answer is fed once.

    However the text is split, the pieces add up to the same. Content and reasoning leave as soon as they cannot
    be the beginning of a mark any more. A call leaves when it is complete and known to be one, so that
    what merely looks like a call stays text and arguments are always a JSON object.

    Args:
        tool_calls: `hermes`, `mistral`, `llama3_json`, or None where no tools were offered.
        tools: the offered tools; a call of any other is text. Without them every name counts.
        reasoning: whether a leading `<think>` block is told apart.
        starts_in_reasoning: the prompt has opened the block (`opens_reasoning(prompt)`).
        new_id: makes the ids of calls; by default random ones as the family writes them.
    """

    def __init__(
        self,
        *,
        tool_calls: str | None,
        tools: Sequence[Mapping[str, Any]] = (),
        reasoning: bool = False,
        starts_in_reasoning: bool = False,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._reasoning = ReasoningSplitter(starts_inside=starts_in_reasoning) if reasoning else None
        self._calls = _call_splitter(tool_calls, tools, new_id)

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain with this text."""
        return self._read(text, final=False)

    def finish(self) -> list[Piece]:
        """What was still held back."""
        return self._read("", final=True)

    def _read(self, text: str, *, final: bool) -> list[Piece]:
        reasoning, content = self._reasoning.feed(text, final=final) if self._reasoning else ("", text)
        pieces: list[Piece] = [Reasoning(reasoning)] if reasoning else []
        if self._calls is not None:
            return pieces + self._calls.feed(content, final=final)
        return [*pieces, Content(content)] if content else pieces


def _call_splitter(
    syntax: str | None, tools: Sequence[Mapping[str, Any]], new_id: Callable[[], str] | None
) -> ToolCallSplitter | None:
    if syntax is None:
        return None
    if syntax not in SYNTAXES:
        raise ValueError(f"{syntax!r} is no tool-call syntax; there are {', '.join(SYNTAXES)}.")
    names = {tool.get("function", tool)["name"] for tool in tools}
    ids = new_id or (_mistral_id if syntax == "mistral" else _openai_id)
    return ToolCallSplitter(SYNTAXES[syntax], names, ids)


class ToolCallSplitter:
    """Tells calls from content. White space around calls belongs to neither and is dropped."""

    def __init__(self, syntax: Syntax, names: Collection[str], new_id: Callable[[], str]) -> None:
        self._syntax = syntax
        self._names = names
        self._new_id = new_id
        self._held = ""
        self._mark_length = 0
        self._reader: CallReader | None = None
        self._bare_allowed = syntax.bare
        self._count = 0

    def feed(self, text: str, *, final: bool) -> list[Piece]:
        """The pieces that are certain with this text; after `final` nothing is held back."""
        self._held += text
        pieces: list[Piece] = []
        while self._reader is not None or self._find_mark(pieces, final):
            if self._read_call(pieces, final) == WAIT:
                break
        return pieces

    def _find_mark(self, pieces: list[Piece], final: bool) -> bool:
        """Let text go up to the next mark, and stop at it."""
        if self._bare_allowed and self._at_bare_call():
            return True
        if self._bare_allowed and not final and not self._held.strip(_BETWEEN):
            return False
        at = self._held.find(self._syntax.opening)
        if at >= 0:
            before = len(self._held[:at].rstrip())
            self._let_go(pieces, before)
            self._begin_reader(at - before + len(self._syntax.opening))
            return True
        if final:
            self._let_go(pieces, len(self._held) if self._held.strip() or not self._count else 0)
            self._held = ""
        else:
            certain = len(self._held) - partial_suffix(self._held, self._syntax.opening)
            self._let_go(pieces, len(self._held[:certain].rstrip()))
        return False

    def _at_bare_call(self) -> bool:
        """Whether the answer, or what follows a call, begins with JSON. Mistral's mark begins like a list, too."""
        rest, mark = self._held.lstrip(_BETWEEN if self._count else None), self._syntax.opening
        if not rest.startswith(("{", "[")) or rest.startswith(mark) or mark.startswith(rest):
            return False
        self._begin_reader(len(self._held) - len(rest))
        return True

    def _begin_reader(self, mark_length: int) -> None:
        """Expect a call behind the mark, and the white space before it, that the held text begins with."""
        self._mark_length = mark_length
        self._reader = CallReader(self._syntax, self._names)

    def _read_call(self, pieces: list[Piece], final: bool) -> Reading:
        assert self._reader is not None
        reading = self._reader.read(self._held[self._mark_length :], final=final)
        if reading == WAIT:
            return reading
        self._reader = None
        if isinstance(reading, Calls):
            self._held = self._held[self._mark_length + reading.length :]
            self._send(pieces, reading)
        else:
            self._let_go(pieces, max(self._mark_length, len(self._held) - len(self._held.lstrip()) + 1))
        return reading

    def _send(self, pieces: list[Piece], reading: Calls) -> None:
        for call in reading.calls:
            call_id = self._new_id()
            pieces += [ToolCall(self._count, call_id, call.name), ToolArguments(self._count, call.arguments)]
            self._count += 1
        self._bare_allowed = self._syntax.bare

    def _let_go(self, pieces: list[Piece], length: int) -> None:
        if length:
            pieces.append(Content(self._held[:length]))
            self._held = self._held[length:]
            self._bare_allowed = False


_BETWEEN = " \t\r\n;,"


def _openai_id() -> str:
    return f"call_{os.urandom(12).hex()}"


def _mistral_id() -> str:
    """Nine letters and digits: what Mistral's templates accept when the call comes back in a conversation."""
    return os.urandom(5).hex()[:9]
