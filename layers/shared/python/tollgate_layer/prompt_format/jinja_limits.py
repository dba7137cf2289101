"""How much a model's own chat template may do.

A template comes from the record's owner or from a model's files, and is run for every request. The sandbox keeps
it from reaching Python's internals; this module keeps it from running or growing without end, without threads
or signals (a function's handler may run in any thread). Every block, comparison, filter, operator and call
of a compiled template looks at the clock, and every text and container it makes is counted. Operations that could
grow beyond bounds in a single step (`'a' * 10**9`, `10**10**10`, padding) are refused before they run.
So a render ends after SECONDS plus at most one step over values of bounded size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NoReturn

SECONDS = 2.0
"""Longest time for one render; ordinary ones take a ten-thousandth of it."""
CHARACTERS = 16_000_000
"""Characters and items that one render may make, beside WORKING_COPIES of its conversation."""
WORKING_COPIES = 32
"""Templates build turns by repeated concatenation, each of which copies the content."""
LARGEST_NUMBER = 100_000
"""Longest padding, widest indentation."""
_LONGEST_OPTION = 16
_ITEM = 64
"""What an item of a new container counts for: looking at it takes as long as copying so many characters."""
_INTEGER_BITS = 4096


class LimitExceededError(Exception):
    """A template does more than these limits allow."""


class Meter:
    """What one render has left. Its methods are called at every step of a template, so they call little themselves."""

    __slots__ = ("_deadline", "_left")

    def __init__(self, characters: int = CHARACTERS, seconds: float = SECONDS) -> None:
        self._left = characters
        self._deadline = monotonic() + seconds

    def enter(self, literal_characters: int) -> None:
        """A block with so much literal text begins."""
        self._left -= literal_characters
        if self._left < 0 or monotonic() > self._deadline:
            self._stop()

    def compared(self, result: Any) -> Any:
        """A comparison was made."""
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
        raise LimitExceededError(f"it runs longer than {SECONDS:g} seconds")


def text_of(value: Any) -> str:
    """A value as Jinja prints it. Raises LimitExceededError where a container's text would be out of proportion."""
    if type(value) in _CONTAINERS:
        check_text(value)
    return str(value)


def check_text(value: Any, *_: Any, **__: Any) -> None:
    """Refuse a container whose text would be out of proportion; it may hold the same long text many times."""
    if isinstance(value, _CONTAINERS):
        _text_length(value, 0)


def _text_length(value: Any, length: int) -> int:
    length += len(value) + 4 if isinstance(value, str) else 4
    if length > CHARACTERS:
        raise LimitExceededError("it makes more text than the conversation can need")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        length = _text_length(item, length)
    return length


_CONTAINERS = (list, tuple, dict)
_SIZED = (str, bytes, *_CONTAINERS)


def multiply(left: Any, right: Any) -> Any:
    """`*`, for numbers and for texts and lists of bounded length."""
    for repeated, times in ((left, right), (right, left)):
        if isinstance(times, int) and hasattr(repeated, "__len__"):
            _check_length(len(repeated) * times)
    _check_integer(left, right, lambda: left.bit_length() + right.bit_length())
    return left * right


def power(left: Any, right: Any) -> Any:
    """`**`, for integers of bounded length."""
    _check_integer(left, right, lambda: left.bit_length() * max(right, 0))
    return left**right


def remainder(left: Any, right: Any) -> Any:
    """`%`: of numbers, or old-style formatting without wide paddings."""
    if isinstance(left, str | bytes):
        check_format(left, right)
    return left % right


def check_method(method: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse a method call whose result could be out of proportion to its arguments."""
    check = _METHODS.get(getattr(method, "__name__", ""))
    if check is not None:
        # Sandboxed `format` is a function around the method.
        owner = getattr(getattr(method, "__wrapped__", method), "__self__", None)
        if isinstance(owner, str | bytes | int):
            check(owner, *args, **kwargs)


def check_numbers(*values: Any, **named: Any) -> None:
    """Refuse widths, counts and fillers that multiply into more than anybody needs."""
    for value in (*values, *named.values()):
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            raise LimitExceededError(f"{value} is more than a template may ask for")
        if isinstance(value, str) and len(value) > LARGEST_NUMBER:
            raise LimitExceededError("it pads or indents with a text that is too long")


def check_indent(text: Any, width: Any = 4, *_: Any, **__: Any) -> None:
    """Refuse an indentation that multiplies a text."""
    check_text(text)
    check_numbers(width)
    _check_length((str(text).count("\n") + 1) * (len(width) if isinstance(width, str) else int(width)))


def check_replace(text: Any, old: Any, new: Any, *_: Any) -> None:
    """Refuse a replacement that multiplies a text."""
    check_text(text)
    _check_length(str(text).count(str(old)) * len(str(new)))


def check_options(value: Any, *options: Any, **named: Any) -> None:
    """Refuse a filter whose options ask for too much."""
    check_text(value)
    check_numbers(*options, **named)


def check_json(value: Any, indent: Any, separators: Any) -> None:
    """Refuse JSON that is too long or mostly indentation."""
    check_text(value)
    for part in (indent, *(separators or ())):
        if (isinstance(part, int) and part > _LONGEST_OPTION) or (
            isinstance(part, str) and len(part) > _LONGEST_OPTION
        ):
            raise LimitExceededError("it indents JSON too far")


def check_wrapping(text: Any, *options: Any, **named: Any) -> None:
    """Refuse long texts that would be put in at every line or link."""
    check_text(text)
    for option in (*options, *named.values()):
        if isinstance(option, str) and len(option) > _LONGEST_OPTION:
            raise LimitExceededError("it wraps with a text that is too long")


def check_join(separator: Any, items: Any) -> None:
    """Refuse a separator that multiplies, and items that add up to too much; `items` must have a length."""
    _check_length(len(separator) * len(items))
    check_text(items)


def _check_join_method(separator: Any, items: Any = ()) -> None:
    check_join(separator, items if hasattr(items, "__len__") else ())


def check_format(text: Any, *args: Any, **kwargs: Any) -> None:
    """Refuse formatting with paddings that are too wide."""
    pattern = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    values = [*args, *kwargs.values()]
    check_text(values)
    if _WIDE.search(pattern):
        raise LimitExceededError("it formats with a width that is too large")
    if _NESTED.search(pattern):
        check_numbers(*(value for value in values if isinstance(value, int)))


def _refuse_method(*_: Any, **__: Any) -> None:
    raise LimitExceededError("it uses a method that templates may not use")


_WIDE = re.compile(r"\d{6}|%[^%a-zA-Z]*\*")
_NESTED = re.compile(r":[^{}]*\{")
_METHODS: Mapping[str, Callable[..., None]] = {
    **dict.fromkeys(
        ("center", "ljust", "rjust", "zfill", "expandtabs"), lambda _, *args, **kw: check_numbers(*args, **kw)
    ),
    "to_bytes": lambda _, *args, **kw: check_numbers(*args[:1], *kw.values()),
    "replace": check_replace,
    "join": _check_join_method,
    "format": check_format,
    "format_map": lambda text, values: check_format(text, *values.values()),
    "translate": _refuse_method,
}


def _check_length(length: int) -> None:
    if length > CHARACTERS:
        raise LimitExceededError("it makes more text than the conversation can need")


def _check_integer(left: Any, right: Any, bits: Callable[[], int]) -> None:
    if isinstance(left, int) and isinstance(right, int) and bits() > _INTEGER_BITS:
        raise LimitExceededError("it computes a number that is too large")
