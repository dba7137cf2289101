"""Reading the JSON that a service answers with, as strictly as Step Functions must to go on with it."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MOST_LEVELS = 1000
"""How deep lists and objects may lie in each other.

AWS names no limit. This is the one of Jackson, the reader of JSON that services in Java use:
https://github.com/FasterXML/jackson-core/wiki/Jackson-Release-2.15
"""


def parse_result(raw: bytes) -> Any:
    """The value of a service's JSON.

    Raises:
        ValueError: this is no JSON (Python alone takes NaN, and makes infinity of 1e400), or is nested too deeply.
    """
    try:
        # As Jackson, which puts the bits of a half of a surrogate pair together without looking at what they come to.
        value = _READER.decode(raw.decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise _too_deep() from None
    if _has_too_many_levels(value):
        raise _too_deep()
    return value


def _has_too_many_levels(value: Any) -> bool:
    """Whether a value is nested too deeply; looked at level by level, because Python's own depth has a limit, too."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MOST_LEVELS} levels deep")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number[:20]} is too large a number")
    return value


_READER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
