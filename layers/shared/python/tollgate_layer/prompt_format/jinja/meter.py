"""Counting what one render of a template uses."""

from __future__ import annotations

from time import monotonic
from typing import Any, NoReturn

from .checks import CONTAINERS, check_text
from .limits import DEFAULT_LIMITS, LimitExceededError, RenderLimits

_SIZED = (str, bytes, *CONTAINERS)
# What an item of a new container counts for: looking at it takes as long as copying so many characters.
_ITEM = 64


class Meter:
    """What one render has left.

    Compiled templates call it at every step (`code` writes the calls): blocks, comparisons, filters, operators and
    calls look at the clock, and every text and container that is made is counted. So its methods call little
    themselves, and repeat two lines rather than share them.
    """

    __slots__ = ("_deadline", "_left", "_limits")

    def __init__(self, limits: RenderLimits = DEFAULT_LIMITS, conversation_characters: int = 0) -> None:
        self._limits = limits
        self._left = limits.characters + limits.working_copies * conversation_characters
        self._deadline = monotonic() + limits.seconds

    def enter(self, literal_characters: int) -> None:
        """A block with so much literal text begins."""
        self._left -= literal_characters
        if self._left < 0 or monotonic() > self._deadline:
            self._stop()

    def compared(self, result: Any) -> Any:
        """A comparison was made: it may have read long texts, but makes none."""
        if monotonic() > self._deadline:
            self._stop()
        return result

    def output(self, value: Any) -> str:
        """The text of a value goes into the prompt, or into a block that is being captured."""
        text = value if type(value) is str else text_of(value)
        self._left -= len(text)
        if self._left < 0:
            self._stop()
        return text

    def joined(self, values: tuple[Any, ...]) -> str:
        """Jinja's `~`: the texts of values in a row."""
        return self.output("".join(map(text_of, values)))

    def made(self, value: Any) -> Any:
        """An operator, a call or a filter gave a value."""
        if isinstance(value, _SIZED):
            self._left -= len(value)
        if self._left < 0 or monotonic() > self._deadline:
            self._stop()
        return value

    def built(self, value: Any) -> Any:
        """The template has put values into a container: counted with everything in it, since containers that hold
        the same container twice double in size with every level."""
        self._left -= _ITEM
        if self._left < 0:
            self._stop()
        if isinstance(value, dict):
            for item in value.values():
                self.built(item)
        elif isinstance(value, list | tuple):
            for item in value:
                self.built(item)
        return value

    def _stop(self) -> NoReturn:
        if self._left < 0:
            raise LimitExceededError("it makes more text than the conversation can need")
        raise LimitExceededError(f"it runs longer than {self._limits.seconds:g} seconds")


def text_of(value: Any) -> str:
    """A value as Jinja prints it. Raises LimitExceededError where a container's text would be out of proportion."""
    if type(value) in CONTAINERS:
        check_text(value)
    return str(value)
