"""Loads that are drawn by chance, with a seed: made-up profiles, and requests at the rates that ServeGen published."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TextIO

from tollgate.planning.trace import Trace, TraceError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

PROMPT_TOKENS, COMPLETION_TOKENS = 500, 200
"""Means of what a trace does not say; log-normal around them, as in the case study's fit (decision 43)."""
_SPREAD = 0.19
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_SERVEGEN_S = 600.0
"""Seconds for which a row of ServeGen's traces holds."""


class Lengths:
    """Tokens of requests whose source does not say them."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 -- draws lengths, protects nothing

    def prompt(self) -> int:
        """Of a prompt."""
        return self._around(PROMPT_TOKENS)

    def completion(self) -> int:
        """Of an answer."""
        return self._around(COMPLETION_TOKENS)

    def _around(self, mean: int) -> int:
        return max(1, round(mean * self._dice.lognormvariate(0, _SPREAD)))


def profile_trace(kind: str, per_hour: float, lengths: Lengths, seed: int, zone: ZoneInfo) -> Trace:
    """Four weeks of requests that come by chance: around the clock, or Monday to Friday from 8 to 18 o'clock."""
    dice, trace = random.Random(seed), Trace()  # noqa: S311 -- draws pauses, protects nothing
    trace.known_hours = 28 * 24.0
    for day in range(28):
        begins = (_MONDAY + timedelta(days=day)).replace(tzinfo=zone)
        if kind == "office" and day % 7 > 4:
            continue
        opens, closes = (8, 18) if kind == "office" else (0, 24)
        now = begins.timestamp() + opens * 3600
        while per_hour > 0:
            now += dice.expovariate(per_hour / 3600)
            if now >= begins.timestamp() + closes * 3600:
                break
            trace.add(now, lengths.prompt(), lengths.completion())
    return trace


class _Row(NamedTuple):
    """One row of ServeGen's: from when, how many requests a second, and how uneven their pauses are."""

    at: float
    rate: float
    variation: float


def servegen_trace(file: TextIO, lengths: Lengths, seed: int) -> Trace:
    """A client of ServeGen's (https://github.com/alibaba/ServeGen): `t,rate,cv,…` each ten minutes, without a header.

    Pauses are drawn from a gamma distribution of the row's coefficient of variation.
    """
    dice, trace = random.Random(seed), Trace()  # noqa: S311 -- draws pauses, protects nothing
    for number, cells in enumerate(csv.reader(file), start=1):
        try:
            row = _Row(float(cells[0]), float(cells[1]), float(cells[2]))
        except (ValueError, IndexError) as error:
            raise TraceError(f"Line {number} is none of ServeGen's: t, rate, cv, …") from error
        if row.rate <= 0:
            continue
        shape = 1 / max(row.variation, 0.01) ** 2
        now = row.at
        while True:
            now += dice.gammavariate(shape, 1 / (row.rate * shape))
            if now >= row.at + _SERVEGEN_S:
                break
            trace.add(now, lengths.prompt(), lengths.completion())
    return trace
