"""The `<think>` block in front of an answer, as vLLM's reasoning parsers read it.

https://docs.vllm.ai/en/latest/features/reasoning_outputs.html: everything up to `</think>` is reasoning, byte
for byte; without an end tag all of it is. A block counts only at the very beginning, where models write it, or where
their prompt has opened it.
"""

from __future__ import annotations

from enum import Enum

OPENING = "<think>"
CLOSING = "</think>"

LONGEST_DOUBT = 2000
"""Characters of a stream that are held back where its text does not begin with `<think>`: so far, a closing tag shows
that the prompt has opened the block. Longer thoughts need the record to say so (`reasoning: "open"`)."""


class _State(Enum):
    BEFORE = "it is not known yet whether the text begins with a block"
    DOUBT = "it does not begin with a tag, but may be in a block that the prompt has opened"
    INSIDE = "in the block"
    AFTER = "behind the block, or there is none"


class ReasoningSplitter:
    """Splits text that arrives in pieces into reasoning and content.

    `starts_inside`: the prompt has opened the block, so the text begins in it (an opening tag is then optional).
    Without it, a closing tag that has no opening one tells the same: what stands before it is reasoning.
    """

    def __init__(self, *, starts_inside: bool) -> None:
        self._starts_inside = starts_inside
        self._state = _State.BEFORE
        self._held: list[str] = []
        self._held_length = 0
        self._end = ""
        """The last characters that are held, in which a closing tag may begin."""

    def feed(self, text: str, *, final: bool = False) -> tuple[str, str]:
        """The reasoning and the content that are certain by now; after `final` nothing is held back."""
        if self._state is _State.AFTER:
            return "", text
        if self._state is _State.DOUBT:
            return self._in_doubt(text, final=final)
        held = self._take_held() + text
        if self._state is _State.BEFORE:
            if not final and len(held) < LONGEST_DOUBT and OPENING.startswith(held.lstrip()):
                self._hold(held)  # so far white space, or the beginning of an opening tag
                return "", ""
            self._state, held = self._beginning(held)
            if self._state is _State.DOUBT:
                return self._in_doubt(held, final=final)
        return self._up_to_closing(held, final=final)

    def _beginning(self, held: str) -> tuple[_State, str]:
        """The state at the beginning, and the text without an opening tag and the white space before it."""
        stripped = held.lstrip()
        if stripped.startswith(OPENING):
            return _State.INSIDE, stripped[len(OPENING) :]
        return _State.INSIDE if self._starts_inside else _State.DOUBT, held

    def _in_doubt(self, text: str, *, final: bool) -> tuple[str, str]:
        seen = self._end + text
        closing, opening = seen.find(CLOSING), seen.find(OPENING)
        if closing >= 0 and not 0 <= opening < closing:
            self._state = _State.AFTER
            reasoning, _, content = (self._take_held() + text).partition(CLOSING)
            return reasoning, content
        self._hold(text)
        # A closing tag behind an opening one that is not at the beginning is somebody's words about tags.
        if final or opening >= 0 or self._held_length >= LONGEST_DOUBT:
            self._state = _State.AFTER
            return "", self._take_held()
        return "", ""

    def _up_to_closing(self, held: str, *, final: bool) -> tuple[str, str]:
        reasoning, closing, content = held.partition(CLOSING)
        if closing:
            self._state = _State.AFTER
            return reasoning, content
        certain = len(held)
        if not final:
            certain -= partial_suffix(held, CLOSING)
        self._hold(held[certain:])
        return held[:certain], ""

    def _hold(self, text: str) -> None:
        # Pieces, not one text that grows: that would be copied with every piece.
        self._held.append(text)
        self._held_length += len(text)
        self._end = (self._end + text)[-len(CLOSING) :]

    def _take_held(self) -> str:
        held = "".join(self._held)
        self._held = []
        self._held_length = 0
        self._end = ""
        return held


def partial_suffix(text: str, mark: str) -> int:
    """Length of the longest end of `text` that may still become `mark`."""
    # The whole mark would have been found already, so at most all but its last character.
    for length in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:length]):
            return length
    return 0
