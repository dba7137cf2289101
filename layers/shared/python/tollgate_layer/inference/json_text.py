"""JSON as it comes from clients and models, and goes to them.

What Python's own parser and writer let through and JSON or UTF-8 cannot carry ends here, once for all: numbers that
are not finite, halves of surrogate pairs, and nesting that later steps could not follow.
"""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any, NoReturn

JsonObject = dict[str, Any]
"""A parsed JSON object."""

MOST_LEVELS = 128
"""How deep lists and objects may lie in each other. Rust's serde_json has the same; people nest a dozen levels."""

_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
# A bracket, or a whole string, whose brackets do not count. The possessive repetitions never go back: linear time.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
# A pair of surrogates as JSON escapes, one half of it, or any other escape, so that `\\ud83d` is not taken for one.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


def to_json(value: Any) -> str:
    """Compact JSON in which text stays readable: `{"a":"é"}`. It can always be encoded as UTF-8.

    Raises:
        ValueError: a number in it is NaN or infinite.
    """
    return sound(_WRITER.encode(value))


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Its strings may hold halves of surrogate pairs: a model's chunk may end in the middle of one.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply; the message is a sentence for the client.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
        if text.startswith("\ufeff"):
            raise ValueError("it begins with a byte order mark")
        value = _READER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        reason = str(error)
        if "set_int_max_str_digits" in reason:  # Python's own sentence, with advice that is for programs in Python
            reason = f"a whole number has more than {sys.get_int_max_str_digits()} digits"
        raise ValueError(f"The body is not valid JSON: {reason}") from None
    # No value has more levels than its text has opening brackets, so that ordinary ones need not be walked.
    if text.count("[") + text.count("{") > MOST_LEVELS and is_too_deep(value):
        raise _too_deep()
    return value


def parse_sound_json(text: str) -> Any:
    """The value of a JSON text whose strings are sound Unicode.

    Raises:
        ValueError: as `parse_json`, or a string has half of a surrogate pair (`"\\ud83d"`), which no UTF-8 can carry.
    """
    value = parse_json(text)
    # The text came as UTF-8: escapes are the only way for one to get in. They are rare, so that ordinary texts are not
    # written a second time.
    if ("\\ud" in text or "\\uD" in text) and not _is_sound(_WRITER.encode(value)):
        raise ValueError("The body has half of a surrogate pair in a string.")
    return value


def sound(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair; two halves in a row become their character."""
    if _is_sound(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_sound(text: str) -> bool:
    if text.isascii():
        return True
    for encoding in ("latin-1", "utf-8"):  # the first is much the faster, and enough for most of Europe
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            continue
        return True
    return False


def sound_escapes(text: str) -> str:
    """JSON text inside a string, such as a call's arguments, with `\\ufffd` for each escaped half of a surrogate pair.

    It is ASCII as it stands, and would be half a character as soon as somebody parses it.
    """
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found.group(1) else found.group(), text)


def is_nested_too_deeply(text: str) -> bool:
    """Whether a text that may be JSON has more levels than `MOST_LEVELS`, without parsing it."""
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return False
    level = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        first = found.group()[0]
        if first in "[{":
            level += 1
            if level > MOST_LEVELS:
                return True
        elif first in "]}":
            level -= 1
    return False


def is_too_deep(value: Any) -> bool:
    """Whether lists and objects lie in each other more than `MOST_LEVELS` deep; looked at level by level."""
    containers = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_LEVELS):
        inner: list[Any] = []
        for container in containers:
            for item in container.values() if isinstance(container, dict) else container:
                if isinstance(item, dict | list):
                    inner.append(item)
        if not inner:
            return False
        containers = inner
    return bool(containers)


def _finite(number: str) -> float:
    """A number with a fraction or an exponent: Python makes infinity of `1e400`, which is no JSON any more."""
    value = float(number)
    if math.isinf(value):
        _refuse_number(number)
    return value


def _refuse_number(number: str) -> NoReturn:
    raise ValueError(f"{number[:20]} is not a number that JSON can hold")


_READER = json.JSONDecoder(parse_constant=_refuse_number, parse_float=_finite)


def _too_deep() -> ValueError:
    return ValueError(f"The body is nested too deeply: at most {MOST_LEVELS} levels.")
