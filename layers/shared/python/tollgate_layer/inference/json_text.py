"""JSON as it comes from clients and goes to clients and models."""

from __future__ import annotations

import json
from typing import Any, NoReturn

JsonObject = dict[str, Any]
"""A parsed JSON object."""


def to_json(value: Any) -> str:
    """Compact JSON in which text stays readable: `{"a":"é"}`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Python's own parser also takes NaN and Infinity, which no JSON has, and the escape of half a surrogate pair
    (`"\\ud83d"`), which no UTF-8 can carry: it would raise only when somebody writes the text, out of our hands.

    Raises:
        ValueError: the text is not JSON; the message is a sentence for the client.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text or "\\uD" in text:  # rare, so that ordinary texts are not written a second time
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("The body has half of a surrogate pair in a string.") from None
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    except ValueError as error:
        raise ValueError(f"The body is not valid JSON: {error}") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
