"""Operations that could grow beyond bounds in a single step, checked before they run.

The meter sees a value once it is there. For `'a' * 10**9` or a long text that replaces each character that is too late:
each function here looks at an operation's arguments first, and raises LimitExceededError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .allowed import check_integer
from .limits import (
    LARGEST_INTEGER_BITS,
    LONGEST_OPTION,
    LONGEST_PATTERN,
    LONGEST_TEXT,
    MOST_ITEMS,
    MOST_WIDTH_DIGITS,
    LimitExceededError,
)

CONTAINERS = (list, tuple, dict)

# A width of too many digits, or one that is an argument (`%*d`).
_WIDE_FORMAT = re.compile(rf"\d{{{MOST_WIDTH_DIGITS + 1}}}|%[^%a-zA-Z]*\*")


def multiply(left: Any, right: Any) -> Any:
    """`*`, for numbers and for texts and lists of bounded length."""
    for repeated, times in ((left, right), (right, left)):
        if isinstance(times, int) and hasattr(repeated, "__len__"):
            _check_length(len(repeated) * times)
    return _bounded(left * right)


def power(left: Any, right: Any) -> Any:
    """`**`, for integers of bounded length."""
    whole_numbers = isinstance(left, int) and isinstance(right, int)
    if whole_numbers and left.bit_length() * max(right, 0) > 2 * LARGEST_INTEGER_BITS:
        raise LimitExceededError("it computes a number that is too large")
    return _bounded(left**right)


def add(left: Any, right: Any) -> Any:
    """`+`, for texts, lists and numbers of bounded length."""
    return _bounded(left + right)


def subtract(left: Any, right: Any) -> Any:
    """`-`, for numbers of bounded length."""
    return _bounded(left - right)


def _bounded(value: Any) -> Any:
    if isinstance(value, int):
        check_integer(value)
    return value


def remainder(left: Any, right: Any) -> Any:
    """`%`: of numbers, or old-style formatting without wide paddings."""
    if isinstance(left, str):
        values = right if isinstance(right, tuple) else (right,)
        if isinstance(right, Mapping):
            values = tuple(right.values())
        longest = max([_text_length(value, 0) for value in values], default=0)
        # A mapping's value may be put in again and again.
        _check_length(left.count("%") * longest)
        if len(left) > LONGEST_PATTERN or _WIDE_FORMAT.search(left):
            raise LimitExceededError("it formats with a pattern or a width that is too large")
    return left % right


def number_range(*limits: Any) -> range:
    """`range(...)`, of numbers and of a length that are bounded."""
    numbers = range(*limits)
    for limit in limits:
        check_integer(limit)
    if len(numbers) > MOST_ITEMS // 10:
        raise LimitExceededError("it counts too far")
    return numbers


def check_text(value: Any, *_: Any, **__: Any) -> None:
    """Refuse a container whose text would be out of proportion; it may hold the same long text many times."""
    if isinstance(value, CONTAINERS):
        _text_length(value, 0)


def _text_length(value: Any, length: int, indent: int = 0, level: int = 0) -> int:
    """A lower bound of `length` and the value's text, found without making the text."""
    length += 4 + indent * level  # quotes or brackets, a comma and a space, a line's indentation
    if isinstance(value, str):
        length += len(value)
    _check_length(length)
    items: Any = ()
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    for item in items:
        length = _text_length(item, length, indent, level + 1)
    return length


def check_indent(text: Any, width: Any = 4, *_: Any, **__: Any) -> None:
    """Refuse an indentation that multiplies a text."""
    check_text(text)
    characters = len(width) if isinstance(width, str) else int(width)
    lines = str(text).count("\n") + 1
    _check_length(lines * characters)


def check_replace(text: Any, old: Any, new: Any, *_: Any, **__: Any) -> None:
    """Refuse a replacement that multiplies a text."""
    check_text(text)
    _check_length(str(text).count(str(old)) * len(str(new)))


def check_json(value: Any, indent: Any, separators: Any) -> None:
    """Refuse JSON that is too long or mostly indentation."""
    width = len(indent) if isinstance(indent, str) else int(indent or 0)
    if max([width, *map(len, separators or ())]) > LONGEST_OPTION:
        raise LimitExceededError("it indents JSON too far")
    _text_length(value, 0, width)


def check_option(text: Any, chars: Any = None) -> None:
    """Refuse a set of characters to strip that is so long that each character of the text is looked for in it."""
    check_text(text)
    if isinstance(chars, str) and len(chars) > LONGEST_OPTION:
        raise LimitExceededError("it strips too many different characters")


def check_truncate(text: Any, length: Any = 255, killwords: Any = False, end: Any = "...", *_: Any, **__: Any) -> None:
    """Refuse an ending that is too long."""
    check_option(text, end)


def check_items(value: Any, *_: Any, **__: Any) -> None:
    """Refuse to make a list of too many items, such as of a long text's characters."""
    if hasattr(value, "__len__") and len(value) > MOST_ITEMS:
        raise LimitExceededError("it makes a list that is too long")
    check_text(value)


def check_join(separator: Any, items: Any) -> None:
    """Refuse a separator that multiplies, and items that add up to too much; `items` must have a length."""
    _check_length(len(separator) * len(items))
    check_text(items)


def join(separator: str, items: Any = ()) -> str:
    """The method of texts, over a list: a generator has no length to check."""
    items = list(items)
    check_join(separator, items)
    return separator.join(items)


def _check_split(text: str, sep: Any = None, *_: Any, **__: Any) -> None:
    # Words are at least a character and a space long.
    pieces = text.count(sep) if sep else len(text) // 2
    if pieces > MOST_ITEMS:
        raise LimitExceededError("it makes a list that is too long")


def _check_lines(text: str, *_: Any, **__: Any) -> None:
    _check_split(text, "\n")


def _check_length(length: int) -> None:
    if length > LONGEST_TEXT:
        raise LimitExceededError("it makes more text than the conversation can need")


# Methods of texts that are checked, called with the text and their arguments.
METHODS: Mapping[str, Callable[..., None]] = {
    "lstrip": check_option,
    "replace": check_replace,
    "rsplit": _check_split,
    "rstrip": check_option,
    "split": _check_split,
    "splitlines": _check_lines,
    "strip": check_option,
}
