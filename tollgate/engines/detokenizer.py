"""Makes text of token ids as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
# A character has at most four bytes, so at most three tokens can wait for their last one.
_MOST_WAITING = 4


class Detokenizer:
    """Decodes ids one by one, and never returns half a character.

    A token's text depends on the tokens before it (spaces, bytes of one character), so each step decodes a short
    tail twice, with and without the new token, and returns the difference.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tail: list[int] = []
        self._shown = ""
        self._waiting = 0

    def add(self, token_id: int) -> str:
        """The text that this token completes; empty while a character is incomplete."""
        self._tail.append(token_id)
        text = self._tokenizer.decode(self._tail)
        self._waiting += 1
        if text.endswith(_INCOMPLETE) and self._waiting < _MOST_WAITING:
            return ""
        return self._show(text)

    def finish(self) -> str:
        """The text that an unfinished character leaves: replacement characters, or nothing."""
        return self._show(self._tokenizer.decode(self._tail)) if self._waiting else ""

    def _show(self, text: str) -> str:
        new = text[len(self._shown) :]
        self._tail = self._tail[-self._waiting :]
        self._shown = self._tokenizer.decode(self._tail)
        self._waiting = 0
        return new
