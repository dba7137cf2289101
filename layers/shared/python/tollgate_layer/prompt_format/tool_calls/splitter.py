"""Telling tool calls from content, while the text is still arriving."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..pieces import Content, Piece, ToolArguments, ToolCall
from ..reasoning import partial_suffix
from .reader import CallReader, Calls, NoCalls
from .syntax import CallSyntax

_BETWEEN_CALLS = " \t\r\n;,"


class ToolCallSplitter:
    """Splits text into content and tool calls. White space around calls belongs to neither and is dropped.

    It is always in one of two states. Between marks (`_reader` is None) the held text may end in the beginning of a
    mark. Behind a mark, the held text begins with that mark (and white space before it), and the reader
    decides whether a call follows.
    """

    def __init__(self, syntax: CallSyntax, offered: Collection[str], new_id: Callable[[], str]) -> None:
        self._syntax = syntax
        self._offered = offered
        self._new_id = new_id
        self._held = ""
        self._reader: CallReader | None = None
        self._mark_end = 0
        """Where, in the held text, the reader's text begins."""
        self._may_lack_mark = syntax.opening_may_lack
        """Whether a call may follow without its opening mark: at the beginning, and behind another call."""
        self._calls_sent = 0

    def feed(self, text: str, *, final: bool) -> list[Piece]:
        """The pieces that are certain with this text; after `final` nothing is held back."""
        self._held += text
        pieces: list[Piece] = []
        while True:
            if self._reader is None:
                pieces += self._up_to_next_mark(final=final)
                if self._reader is None:
                    return pieces  # no mark in what is held
            reading = self._reader.read(self._held[self._mark_end :], final=final)
            if reading is NoCalls.UNDECIDED:
                return pieces
            self._reader = None
            if isinstance(reading, Calls):
                pieces += self._calls(reading)
            else:
                pieces += self._mark_as_content()

    def _up_to_next_mark(self, *, final: bool) -> list[Piece]:
        """The content before the next mark, for which a reader is then set; without a mark, what is certain."""
        if self._may_lack_mark:
            start = self._start_without_mark()
            if start is not None:
                self._expect_call(start)
                return []
            if not final and not self._held.strip(_BETWEEN_CALLS):
                return []  # the separators before another call, or white space that is dropped before the first
        opening = self._syntax.opening
        found = self._held.find(opening)
        if found >= 0:
            # White space before the mark is dropped with it: it counts as the mark's beginning.
            length = len(self._held[:found].rstrip())
            content = self._content(length)
            self._expect_call(found - length + len(opening))
            return content
        if final:
            content = []
            if self._held.strip() or self._calls_sent == 0:
                content = self._content(len(self._held))
            self._held = ""  # white space behind the last call
            return content
        # White space is held back too: it is dropped if a mark follows.
        certain = len(self._held) - partial_suffix(self._held, opening)
        return self._content(len(self._held[:certain].rstrip()))

    def _start_without_mark(self) -> int | None:
        """Where JSON begins, if the held text begins with it; None if it does not, or begins with the mark."""
        ignored = _BETWEEN_CALLS if self._calls_sent else None
        rest = self._held.lstrip(ignored)
        if not rest.startswith(("{", "[")):
            return None
        # Mistral's mark begins like a list. Only more text tells `[TOOL_CALLS]` from `["TOOL"]`.
        opening = self._syntax.opening
        if rest.startswith(opening) or opening.startswith(rest):
            return None
        return len(self._held) - len(rest)

    def _expect_call(self, mark_end: int) -> None:
        self._mark_end = mark_end
        self._reader = CallReader(self._syntax, self._offered)

    def _calls(self, reading: Calls) -> list[Piece]:
        self._held = self._held[self._mark_end + reading.length :]
        self._may_lack_mark = self._syntax.opening_may_lack
        pieces: list[Piece] = []
        for call in reading.calls:
            pieces.append(ToolCall(self._calls_sent, self._new_id(), call.name))
            pieces.append(ToolArguments(self._calls_sent, call.arguments))
            self._calls_sent += 1
        return pieces

    def _mark_as_content(self) -> list[Piece]:
        """The mark that turned out to be ordinary text. What follows it is looked at afresh."""
        length = self._mark_end
        if not self._held[:length].strip():
            # There is no mark, only JSON that is no call. Its first character goes along, or it would be found again.
            length += 1
        return self._content(length)

    def _content(self, length: int) -> list[Piece]:
        """Let the first `length` characters of the held text go."""
        if length == 0:
            return []
        text = self._held[:length]
        self._held = self._held[length:]
        self._may_lack_mark = False
        return [Content(text)]
