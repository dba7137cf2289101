"""The `<think>` block in front of an answer, as vLLM's reasoning parsers read it.

https://docs.vllm.ai/en/latest/features/reasoning_outputs.html: everything up to `</think>` is reasoning, byte
for byte; without an end tag all of it is. A block counts only at the very beginning, where models write it.
"""

from __future__ import annotations

OPENING = "<think>"
CLOSING = "</think>"


class ReasoningSplitter:
    """Splits text that arrives in pieces into reasoning and content.

    `starts_inside`: the prompt has opened the block, so the text begins in it (an opening tag is then optional).
    """

    def __init__(self, *, starts_inside: bool) -> None:
        self._starts_inside = starts_inside
        self._state = "before"
        self._held = ""

    def feed(self, text: str, *, final: bool = False) -> tuple[str, str]:
        """The reasoning and the content that are certain by now; after `final` nothing is held back."""
        if self._state == "after":
            return "", text
        self._held += text
        if self._state == "before" and not self._opened(final):
            return "", ""
        return self._inside(final) if self._state == "inside" else ("", self._release())

    def _opened(self, final: bool) -> bool:
        """Whether it is known if the text begins with a block."""
        stripped = self._held.lstrip()
        if stripped.startswith(OPENING):
            self._held = stripped[len(OPENING) :]
            self._state = "inside"
        elif final or not OPENING.startswith(stripped):
            self._state = "inside" if self._starts_inside else "after"
        return self._state != "before"

    def _inside(self, final: bool) -> tuple[str, str]:
        reasoning, closing, content = self._held.partition(CLOSING)
        if closing:
            self._state, self._held = "after", ""
            return reasoning, content
        keep = 0 if final else partial_suffix(self._held, CLOSING)
        certain = len(self._held) - keep
        reasoning, self._held = self._held[:certain], self._held[certain:]
        return reasoning, ""

    def _release(self) -> str:
        text, self._held = self._held, ""
        return text


def partial_suffix(text: str, mark: str) -> int:
    """Length of the longest end of `text` that may still become `mark`."""
    for length in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:length]):
            return length
    return 0
