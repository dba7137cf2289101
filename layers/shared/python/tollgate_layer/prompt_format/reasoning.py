"""The `<think>` block in front of an answer, as vLLM's reasoning parsers read it.

https://docs.vllm.ai/en/latest/features/reasoning_outputs.html: everything up to `</think>` is reasoning, byte
for byte; without an end tag all of it is. A block counts only at the very beginning, where models write it.
"""

from __future__ import annotations

from enum import Enum

OPENING = "<think>"
CLOSING = "</think>"


class _State(Enum):
    BEFORE = "it is not known yet whether the text begins with a block"
    INSIDE = "in the block"
    AFTER = "behind the block, or there is none"


class ReasoningSplitter:
    """Splits text that arrives in pieces into reasoning and content.

    `starts_inside`: the prompt has opened the block, so the text begins in it (an opening tag is then optional).
    """

    def __init__(self, *, starts_inside: bool) -> None:
        self._starts_inside = starts_inside
        self._state = _State.BEFORE
        self._held = ""

    def feed(self, text: str, *, final: bool = False) -> tuple[str, str]:
        """The reasoning and the content that are certain by now; after `final` nothing is held back."""
        if self._state is _State.AFTER:
            return "", text
        self._held += text
        if self._state is _State.BEFORE:
            self._state = self._state_at_beginning(final=final)
        # So far white space, or the beginning of an opening tag.
        if self._state is _State.BEFORE:
            return "", ""
        if self._state is _State.INSIDE:
            return self._up_to_closing(final=final)
        content = self._held
        self._held = ""
        return "", content

    def _state_at_beginning(self, *, final: bool) -> _State:
        """The state behind an opening tag, which is dropped with the white space before it."""
        stripped = self._held.lstrip()
        if stripped.startswith(OPENING):
            self._held = stripped[len(OPENING) :]
            return _State.INSIDE
        if OPENING.startswith(stripped) and not final:
            return _State.BEFORE
        if self._starts_inside:
            return _State.INSIDE
        return _State.AFTER

    def _up_to_closing(self, *, final: bool) -> tuple[str, str]:
        reasoning, closing, content = self._held.partition(CLOSING)
        if closing:
            self._state = _State.AFTER
            self._held = ""
            return reasoning, content
        certain = len(self._held)
        if not final:
            certain -= partial_suffix(self._held, CLOSING)
        reasoning = self._held[:certain]
        self._held = self._held[certain:]
        return reasoning, ""


def partial_suffix(text: str, mark: str) -> int:
    """Length of the longest end of `text` that may still become `mark`."""
    # The whole mark would have been found already, so at most all but its last character.
    for length in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:length]):
            return length
    return 0
