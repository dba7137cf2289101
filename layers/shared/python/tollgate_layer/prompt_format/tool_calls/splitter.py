"""Telling tool calls from content, while the text is still arriving."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..pieces import Content, Piece, ToolArguments, ToolCall
from ..reasoning import partial_suffix
from .reader import CallReader, Calls, NoCalls, skip_space
from .syntax import CallSyntax
from .tags import Types

_BETWEEN_CALLS = re.compile(r"[ \t\r\n;,]*")

# Marks without a call behind them, each in front of a long text, would have that text read again and again: no more
# than so many times the answer's length is read in vain, and then marks are ordinary text.
_MOST_READ_IN_VAIN = 16
_READ_IN_VAIN_IN_ANY_CASE = 100_000


class ToolCallSplitter:
    """Splits text into content and tool calls. White space around calls belongs to neither and is dropped.

    It is always in one of two states. Between marks (`_reader` is None) the held text may end in the beginning of a
    mark. Behind a mark, the held text begins with that mark (and white space before it), and the reader
    decides whether a call follows.
    """

    def __init__(self, syntax: CallSyntax, offered: Mapping[str, Types], new_id: Callable[[], str]) -> None:
        self._syntax = syntax
        self._offered = offered
        self._new_id = new_id
        self._text = ""
        self._start = 0
        """Where, in the text, begins what is held; the rest has left. Cutting it off each time would copy much."""
        self._reader: CallReader | None = None
        self._mark_end = 0
        """Where, in the text, the reader's part begins."""
        self._may_lack_mark = syntax.opening_may_lack
        """Whether a call may follow without its opening mark: at the beginning, and behind another call."""
        self._calls_sent = 0
        self._received = 0
        self._read_in_vain = 0

    def feed(self, text: str, *, final: bool) -> list[Piece]:
        """The pieces that are certain with this text; after `final` nothing is held back."""
        if self._reader is None:
            self._text = self._text[self._start :] + text
            self._start = 0
        else:
            self._text += text  # the reader remembers places in the text
        self._received += len(text)
        pieces: list[Piece] = []
        while True:
            if self._reader is None:
                pieces += self._up_to_next_mark(final=final)
                if self._reader is None:
                    return pieces  # no mark in what is held
            reading = self._reader.read(self._text, self._mark_end, final=final)
            if reading is NoCalls.UNDECIDED:
                return pieces
            if isinstance(reading, Calls):
                pieces += self._calls(reading)
            else:
                self._read_in_vain += self._reader.reach - self._start
                pieces += self._mark_as_content()
            self._reader = None

    def _up_to_next_mark(self, *, final: bool) -> list[Piece]:
        """The content before the next mark, for which a reader is then set; without a mark, what is certain."""
        if self._read_in_vain > _MOST_READ_IN_VAIN * self._received + _READ_IN_VAIN_IN_ANY_CASE:
            return self._content(len(self._text))
        if self._may_lack_mark:
            start = self._start_without_mark()
            if start is not None:
                self._expect_call(start)
                return []
            if not final and _behind_separators(self._text, self._start) == len(self._text):
                return []  # the separators before another call, or white space that is dropped before the first
        mark, behind_mark = self._next_mark()
        if mark is not None:
            # White space before the mark is dropped with it: it counts as the mark's beginning.
            content = self._content(_without_space_at_end(self._text, self._start, mark))
            self._expect_call(behind_mark)
            return content
        if final:
            content = []
            if skip_space(self._text, self._start) < len(self._text) or self._calls_sent == 0:
                content = self._content(len(self._text))
            self._start = len(self._text)  # white space behind the last call
            return content
        # White space is held back too: it is dropped if a mark follows.
        held = max([partial_suffix(self._text, opening) for opening in self._openings()])
        # Never before what has left already.
        certain = max(self._start, len(self._text) - held)
        return self._content(_without_space_at_end(self._text, self._start, certain))

    def _openings(self) -> list[str]:
        if self._syntax.tag:
            return [self._syntax.opening, self._syntax.tag]
        return [self._syntax.opening]

    def _next_mark(self) -> tuple[int | None, int]:
        """Where the next mark stands, and where the reader's part begins: a tag is part of the call itself."""
        opening, tag = self._syntax.opening, self._syntax.tag
        mark = self._text.find(opening, self._start)
        if tag:
            tag_mark = self._text.find(tag, self._start, len(self._text) if mark < 0 else mark)
            if tag_mark >= 0:
                return tag_mark, tag_mark
        if mark < 0:
            return None, 0
        return mark, mark + len(opening)

    def _start_without_mark(self) -> int | None:
        """Where JSON begins, if the held text begins with it; None if it does not, or begins with the mark."""
        if self._calls_sent:
            start = _behind_separators(self._text, self._start)
        else:
            start = skip_space(self._text, self._start)
        if not self._text.startswith(("{", "["), start):
            return None
        # Mistral's mark begins like a list. Only more text tells `[TOOL_CALLS]` from `["TOOL"]`.
        opening = self._syntax.opening
        if opening.startswith(self._text[start : start + len(opening)]):
            return None
        return start

    def _expect_call(self, mark_end: int) -> None:
        self._mark_end = mark_end
        self._reader = CallReader(self._syntax, self._offered)

    def _calls(self, reading: Calls) -> list[Piece]:
        self._start = reading.end
        self._may_lack_mark = self._syntax.opening_may_lack
        pieces: list[Piece] = []
        for call in reading.calls:
            pieces.append(ToolCall(self._calls_sent, self._new_id(), call.name))
            pieces.append(ToolArguments(self._calls_sent, call.arguments))
            self._calls_sent += 1
        return pieces

    def _mark_as_content(self) -> list[Piece]:
        """The mark that turned out to be ordinary text. What follows it is looked at afresh."""
        end = self._mark_end
        if skip_space(self._text, self._start) >= end:
            # There is no mark, only JSON or a tag that is no call. Its first character goes along, or it would be
            # found again.
            end += 1
        return self._content(end)

    def _content(self, end: int) -> list[Piece]:
        """Let the held text go up to `end`."""
        if end <= self._start:
            return []
        text = self._text[self._start : end]
        self._start = end
        self._may_lack_mark = False
        return [Content(text)]


def _behind_separators(text: str, start: int) -> int:
    found = _BETWEEN_CALLS.match(text, start)
    assert found is not None  # the pattern also matches nothing
    return found.end()


def _without_space_at_end(text: str, start: int, end: int) -> int:
    """Where `text[start:end]` ends without the white space at its end."""
    return start + len(text[start:end].rstrip())
