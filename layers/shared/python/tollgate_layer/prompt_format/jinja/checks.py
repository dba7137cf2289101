"""Operations that could grow beyond bounds in a single step, refused before they run.

The meter sees a value once it is there. For `'a' * 10**9`, `10**10**10` or a wide padding that is too late: each
function here looks at an operation's arguments first, and raises LimitExceededError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .limits import LARGEST_INTEGER_BITS, LARGEST_WIDTH, LONGEST_OPTION, LONGEST_TEXT, LimitExceededError

CONTAINERS = (list, tuple, dict)

# A width of six digits or more, or one that is an argument (`%*d`, `{:{width}}`).
_WIDE_FORMAT = re.compile(r"\d{6}|%[^%a-zA-Z]*\*")
_NESTED_FORMAT = re.compile(r":[^{}]*\{")


def multiply(left: Any, right: Any) -> Any:
    """`*`, for numbers and for texts and lists of bounded length."""
    for repeated, times in ((left, right), (right, left)):
        if isinstance(times, int) and hasattr(repeated, "__len__"):
            _check_length(len(repeated) * times)
    if isinstance(left, int) and isinstance(right, int):
        _check_integer(left.bit_length() + right.bit_length())
    return left * right


def power(left: Any, right: Any) -> Any:
    """`**`, for integers of bounded length."""
    if isinstance(left, int) and isinstance(right, int):
        _check_integer(left.bit_length() * max(right, 0))
    return left**right


def remainder(left: Any, right: Any) -> Any:
    """`%`: of numbers, or old-style formatting without wide paddings."""
    if isinstance(left, str | bytes):
        check_format(left, right)
    return left % right


def check_method(method: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse a call of a method of texts, bytes or integers that could make something out of proportion."""
    check = _METHODS.get(getattr(method, "__name__", ""))
    if check is not None:
        # The sandbox hands over `format` as a function around the method.
        owner = getattr(getattr(method, "__wrapped__", method), "__self__", None)
        if isinstance(owner, str | bytes | int):
            check(owner, *args, **kwargs)


def check_text(value: Any, *_: Any, **__: Any) -> None:
    """Refuse a container whose text would be out of proportion; it may hold the same long text many times."""
    if isinstance(value, CONTAINERS):
        _text_length(value, 0)


def _text_length(value: Any, length: int) -> int:
    """A lower bound of `length` and the value's text, found without making the text."""
    length += 4  # quotes or brackets, a comma and a space
    if isinstance(value, str):
        length += len(value)
    _check_length(length)
    items: Any = ()
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    for item in items:
        length = _text_length(item, length)
    return length


def check_widths(*values: Any, **named: Any) -> None:
    """Refuse widths, counts and fillers that multiply into more than anybody needs."""
    for value in (*values, *named.values()):
        if isinstance(value, int) and abs(value) > LARGEST_WIDTH:
            raise LimitExceededError(f"{value} is more than a template may ask for")
        if isinstance(value, str) and len(value) > LARGEST_WIDTH:
            raise LimitExceededError("it pads or indents with a text that is too long")


def check_indent(text: Any, width: Any = 4, *_: Any, **__: Any) -> None:
    """Refuse an indentation that multiplies a text."""
    check_text(text)
    check_widths(width)
    characters = len(width) if isinstance(width, str) else int(width)
    lines = str(text).count("\n") + 1
    _check_length(lines * characters)


def check_replace(text: Any, old: Any, new: Any, *_: Any) -> None:
    """Refuse a replacement that multiplies a text."""
    check_text(text)
    _check_length(str(text).count(str(old)) * len(str(new)))


def check_options(value: Any, *options: Any, **named: Any) -> None:
    """Refuse a filter whose options ask for too much."""
    check_text(value)
    check_widths(*options, **named)


def check_json(value: Any, indent: Any, separators: Any) -> None:
    """Refuse JSON that is too long or mostly indentation."""
    check_text(value)
    for part in (indent, *(separators or ())):
        too_wide = isinstance(part, int) and part > LONGEST_OPTION
        too_long = isinstance(part, str) and len(part) > LONGEST_OPTION
        if too_wide or too_long:
            raise LimitExceededError("it indents JSON too far")


def check_wrapping(text: Any, *options: Any, **named: Any) -> None:
    """Refuse long texts that would be put in at every line or link."""
    check_text(text)
    for option in (*options, *named.values()):
        if isinstance(option, str) and len(option) > LONGEST_OPTION:
            raise LimitExceededError("it wraps with a text that is too long")


def check_join(separator: Any, items: Any) -> None:
    """Refuse a separator that multiplies, and items that add up to too much; `items` must have a length."""
    _check_length(len(separator) * len(items))
    check_text(items)


def check_format(text: Any, *args: Any, **kwargs: Any) -> None:
    """Refuse formatting with paddings that are too wide."""
    pattern = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    values = [*args, *kwargs.values()]
    check_text(values)
    if _WIDE_FORMAT.search(pattern):
        raise LimitExceededError("it formats with a width that is too large")
    if _NESTED_FORMAT.search(pattern):
        for value in values:
            if isinstance(value, int):
                check_widths(value)


def _check_length(length: int) -> None:
    if length > LONGEST_TEXT:
        raise LimitExceededError("it makes more text than the conversation can need")


def _check_integer(bits: int) -> None:
    if bits > LARGEST_INTEGER_BITS:
        raise LimitExceededError("it computes a number that is too large")


# Methods, called with the value they belong to and their arguments.


def _check_padding_method(_: Any, *args: Any, **kwargs: Any) -> None:
    check_widths(*args, **kwargs)


def _check_to_bytes_method(_: Any, *args: Any, **kwargs: Any) -> None:
    check_widths(*args[:1], *kwargs.values())  # the length; the byte order behind it is a text


def _check_join_method(separator: Any, items: Any = ()) -> None:
    if not hasattr(items, "__len__"):
        items = ()  # a generator: what it gives is counted when the method has joined it
    check_join(separator, items)


def _check_format_map_method(text: Any, values: Any) -> None:
    check_format(text, *values.values())


def _refuse_method(*_: Any, **__: Any) -> None:
    raise LimitExceededError("it uses a method that templates may not use")


_METHODS: Mapping[str, Callable[..., None]] = {
    "center": _check_padding_method,
    "expandtabs": _check_padding_method,
    "format": check_format,
    "format_map": _check_format_map_method,
    "join": _check_join_method,
    "ljust": _check_padding_method,
    "replace": check_replace,
    "rjust": _check_padding_method,
    "to_bytes": _check_to_bytes_method,
    "translate": _refuse_method,
    "zfill": _check_padding_method,
}
