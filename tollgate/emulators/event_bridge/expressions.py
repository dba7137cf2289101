"""When a schedule is due: `rate(…)`, `at(…)` and `cron(…)`, the last two in a time zone.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
"""Minutes, hours, days of the month, months, days of the week (1 is Sunday), years."""


class ExpressionError(ValueError):
    """Raised when an expression cannot be read."""


def due_times(expression: str, timezone: str, created: float, after: float, until: float) -> Iterator[float]:
    """The times, in seconds since 1970, at which a schedule is due: later than `after`, and not later than `until`.

    Args:
        expression: the schedule's.
        timezone: the zone of its times of day.
        created: when the schedule was made, from which a rate counts.
        after: in seconds since 1970.
        until: in seconds since 1970.

    Raises:
        ExpressionError: the expression cannot be read.
    """
    kind, _, inner = expression.partition("(")
    inner = inner.removesuffix(")")
    if kind == "rate":
        yield from _rate_times(inner, created, after, until)
    elif kind == "at":
        moment = datetime.fromisoformat(inner).replace(tzinfo=ZoneInfo(timezone)).timestamp()
        if after < moment <= until:
            yield moment
    elif kind == "cron":
        yield from _cron_times(inner, timezone, after, until)
    else:
        raise ExpressionError(f"{expression!r} is no rate, at or cron expression")


def _rate_times(text: str, created: float, after: float, until: float) -> Iterator[float]:
    match = re.fullmatch(r"(\d+) (minute|hour|day)s?", text)
    if match is None or int(match.group(1)) < 1:
        raise ExpressionError(f"{text!r} is no rate, as in '4 minutes'")
    step = int(match.group(1)) * _UNITS[match.group(2)]
    # A rate is due for the first time when the schedule is made.
    number = max(0, int((after - created) // step) + 1)
    while (moment := created + number * step) <= until:
        if moment > after:
            yield moment
        number += 1


def _cron_times(text: str, timezone: str, after: float, until: float) -> Iterator[float]:
    fields = _cron_fields(text)
    zone = ZoneInfo(timezone)
    # Every offset from UTC is of whole minutes, so that local minutes begin with UTC's.
    moment = (int(after) // 60 + 1) * 60
    while moment <= until:
        local = datetime.fromtimestamp(moment, UTC).astimezone(zone)
        # The hour that is there twice, when summer time ends, counts once.
        if local.fold == 0 and _is_due(fields, local):
            yield float(moment)
        moment += 60


def _is_due(fields: tuple[frozenset[int] | None, ...], local: datetime) -> bool:
    weekday = local.isoweekday() % 7 + 1  # Sunday is 1
    values = (local.minute, local.hour, local.day, local.month, weekday, local.year)
    for allowed, value in zip(fields, values, strict=True):
        if allowed is not None and value not in allowed:
            return False
    return True


@cache
def _cron_fields(text: str) -> tuple[frozenset[int] | None, ...]:
    """The values that each field allows; None where it allows all."""
    parts = text.split()
    if len(parts) != len(_RANGES):
        raise ExpressionError(f"{text!r} has {len(parts)} fields; a cron expression has {len(_RANGES)}")
    fields = []
    for number, (part, (first, last)) in enumerate(zip(parts, _RANGES, strict=True)):
        names = {3: _MONTHS, 4: _DAYS}.get(number, ())
        fields.append(None if part in ("*", "?") else frozenset(_field_values(part, first, last, names)))
    return tuple(fields)


def _field_values(part: str, first: int, last: int, names: tuple[str, ...]) -> Iterator[int]:
    for piece in part.split(","):
        span, slash, step_text = piece.partition("/")
        start_text, dash, end_text = span.partition("-")
        start = first if span == "*" else _number(start_text, names)
        end = _number(end_text, names) if dash else (last if slash else start)
        if not first <= start <= end <= last:
            raise ExpressionError(f"{piece!r} is not between {first} and {last}")
        yield from range(start, end + 1, int(step_text) if slash else 1)


def _number(text: str, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdecimal():
        raise ExpressionError(f"{text!r} is no number that a cron expression takes here")
    return int(text)
