"""Ends a stream of tokens at a stop sequence, whichever tokens it falls on."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollgate.engines.base import Token


class StopSequences:
    """Holds tokens back while their text may be the beginning of a stop sequence.

    A stop sequence is not part of the answer, but its tokens were generated: they come with the text that precedes it.
    """

    def __init__(self, stop: tuple[str, ...]) -> None:
        self._stop = tuple(text for text in stop if text)
        self._held: deque[Token] = deque()
        self.reached = False

    def add(self, token: Token) -> list[Token]:
        """Take a token; returns the tokens that can be no part of a stop sequence any more."""
        self._held.append(token)
        text = "".join(held.text for held in self._held)
        found = min((at for at in map(text.find, self._stop) if at >= 0), default=None)
        if found is not None:
            self.reached = True
            return self._cut(found)
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        return self._release(len(text) - keep)

    def finish(self) -> list[Token]:
        """Release all tokens that are held, because no stop sequence can follow."""
        released = list(self._held)
        self._held.clear()
        return released

    def _release(self, length: int) -> list[Token]:
        """Release the tokens that lie within the first `length` characters, up to the last one with text.

        Tokens without text wait for the one that completes their character.
        """
        released: list[Token] = []
        while any(token.text for token in self._held) and len(self._held[0].text) <= length:
            length -= len(self._held[0].text)
            released.append(self._held.popleft())
        return released

    def _cut(self, length: int) -> list[Token]:
        """Release all held tokens, their text ending after `length` characters."""
        released: list[Token] = []
        for token in self.finish():
            released.append(replace(token, text=token.text[:length]))
            length -= len(released[-1].text)
        return released


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-size:]):
            return size
    return 0
