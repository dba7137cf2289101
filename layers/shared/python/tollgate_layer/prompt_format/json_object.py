"""JSON inside of texts: the arguments of calls."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse_value(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is not JSON, or its value could not be written as JSON again: Python reads more than JSON
            has (NaN, `1e400` as infinity), and half of a surrogate pair from its escape, all of which would fail
            only where somebody writes the value.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # UnicodeEncodeError is a ValueError
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    return value


def parse_object(text: str) -> dict[str, Any] | None:
    """The object that a JSON text holds, None where it holds none; see `parse_value`."""
    try:
        value = parse_value(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
