"""Where a JSON value ends in text that is still arriving."""

from __future__ import annotations

import re

_OUTSIDE_STRINGS = re.compile(r'["{}\[\]]')
_IN_STRINGS = re.compile(r'["\\]')


class JsonEnd:
    """Finds the end of one JSON object or array, reading each character of a growing text once.

    Only brackets and strings are followed; whether the text is JSON is for a parser to say, once all of it is there.
    """

    def __init__(self) -> None:
        self._position = 0
        self._depth = 0
        self._in_string = False
        self._end: int | None = None

    def find(self, text: str, start: int) -> int | None:
        """Index behind the value that begins at `start`, or None while it is incomplete."""
        if self._end is not None:
            return self._end
        position = max(self._position, start)
        while True:
            pattern = _IN_STRINGS if self._in_string else _OUTSIDE_STRINGS
            found = pattern.search(text, position)
            if found is None:
                # A backslash at the very end has already skipped the character that is yet to come.
                self._position = max(position, len(text))
                return None
            position = found.end()
            mark = found.group()
            if mark == "\\":
                position += 1
            elif mark == '"':
                self._in_string = not self._in_string
            elif mark in "{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    self._end = position
                    return position
