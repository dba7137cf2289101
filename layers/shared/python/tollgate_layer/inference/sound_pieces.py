"""Keeps texts that come in pieces sound where a piece ends in the middle of a character."""

from __future__ import annotations

from collections.abc import Hashable

from tollgate_layer.inference.json_text import sound


class SoundPieces:
    """Makes sound texts that grow piece by piece; each has a key of its own.

    JSON writes a character beyond U+FFFF as two escapes, and a server that cuts its text anywhere may put them into two
    chunks. So a first half waits for what comes next: with the second half it is the character, else U+FFFD.

    Example:
        pieces = SoundPieces()
        pieces.feed("content", "Hi \\ud83d")  # "Hi "
        pieces.feed("content", "\\ude00!")     # "😀!"
    """

    def __init__(self) -> None:
        self._halves: dict[Hashable, str] = {}

    def feed(self, key: Hashable, piece: str) -> str:
        """The piece behind what was held back, without a half at its end."""
        if not self._halves and piece.isascii():
            return piece
        if self._halves and piece:
            piece = self._halves.pop(key, "") + piece
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            self._halves[key] = piece[-1]
            piece = piece[:-1]
        return sound(piece)

    def feed_or_none(self, key: Hashable, piece: str | None) -> str | None:
        """Does what `feed` does, where there may be no piece."""
        return None if piece is None else self.feed(key, piece)

    def finish(self, key: Hashable) -> str:
        """What was held back, when no more comes."""
        return sound(self._halves.pop(key, ""))
