"""How many model copies served over a run, and the five-minute windows that are billed for them."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from tollgate.costs import prices

if TYPE_CHECKING:
    from collections.abc import Sequence

_WINDOW_S = prices.CUSTOM_MODEL_WINDOW_MINUTES * 60
_FEWEST_ANSWERS = 8
"""The pace of fewer answers says little."""
_ALIKE = 0.04
_STEP = 0.1
"""Two groups of answers whose paces differ by no more than the first share have one pace; one that differs from the
last by more than the second is a step."""


EMBEDDED = "the embedded Bedrock"
"""The source of copies that are simulated, and so is all that was measured of them."""


class CopyCount(NamedTuple):
    """What a target says of a model's copies; `windows` are those billed since the model is there, where it counts."""

    serving: int
    loading: int = 0
    windows: int | None = None

    @classmethod
    def of(cls, ready: list[bool], windows: int) -> CopyCount:
        """The count of copies of which each serves, or is loading."""
        return cls(sum(ready), len(ready) - sum(ready), windows)


class Noted(NamedTuple):
    """A count, and when it was noted, in seconds since 1970."""

    at: float
    copies: CopyCount


class CopyLog:
    """The copies over a run; `source` says where they are known from."""

    def __init__(self, source: str, notes: Sequence[Noted] = ()) -> None:
        self.source = source
        self.notes = list(notes)

    def note(self, at: float, count: CopyCount) -> None:
        """Keep a count, if it differs from the one before."""
        if not self.notes or self.notes[-1].copies != count:
            self.notes.append(Noted(at, count))

    def at(self, moment: float) -> CopyCount | None:
        """The count that held at a time; None before the first."""
        found = None
        for noted in self.notes:
            if noted.at > moment:
                break
            found = noted.copies
        return found

    def within(self, begin: float, end: float) -> list[tuple[float, int]]:
        """How many copies served from when on, between two times: the first count is the one that held at the begin."""
        held = self.at(begin)
        changes = [] if held is None else [(begin, held.serving)]
        for noted in self.notes:
            if begin < noted.at <= end and (not changes or changes[-1][1] != noted.copies.serving):
                changes.append((noted.at, noted.copies.serving))
        return changes

    def mean(self, begin: float, end: float) -> float | None:
        """How many copies served on average, from when on one did; None where none was noted."""
        changes = self.within(begin, end)
        while changes and not changes[0][1]:
            changes.pop(0)
        if not changes:
            return None
        if end <= changes[0][0]:
            return float(changes[-1][1])
        total = 0.0
        for (at, serving), (until, _) in pairwise([*changes, (end, 0)]):
            total += serving * (until - at)
        return total / (end - changes[0][0])

    def windows(self, begin: float, end: float) -> int | None:
        """The windows billed between two times: by the service's own count, else each copy's time in whole windows."""
        first, last = self.at(begin), self.at(end)
        if last is None:
            return None
        if last.windows is not None:
            before = first.windows if first is not None else None
            return last.windows - (before or 0)
        return _whole_windows(self.within(begin, end), end)


def _whole_windows(changes: list[tuple[float, int]], end: float) -> int:
    """The windows of copies that come and go: the one that came last goes first."""
    came: list[float] = []
    total = 0
    for at, serving in [*changes, (end, 0)]:
        while len(came) > serving:
            total += max(1, math.ceil((at - came.pop()) / _WINDOW_S))
        while len(came) < serving:
            came.append(at)
    return total


def inferred(paces: Sequence[tuple[float, float]], before: int, clients: int) -> list[Noted]:
    """Copies by the steps of the pace under a constant load, where nobody tells them.

    A copy that begins to serve takes requests from the others, whose tokens come faster from then on. Answers that were
    under way meanwhile have a pace in between, so only a pace that lasts for two groups of answers is looked at.

    Args:
        paces: when an answer ended, and its seconds per token.
        before: how many copies there were before.
        clients: how many are under way at once.
    """
    groups = _groups(sorted(paces), max(_FEWEST_ANSWERS, clients // 2))
    if not groups:
        return []
    copies, level = before, None
    notes = [Noted(groups[0][0], CopyCount(copies))]
    for (at, pace), (_, after) in pairwise(groups):
        if abs(after / pace - 1) > _ALIKE:
            continue  # nothing that lasts
        if level is not None and pace < level * (1 - _STEP):
            copies += 1
            notes.append(Noted(at, CopyCount(copies)))
        elif level is not None and copies > 1 and pace > level * (1 + _STEP):
            copies -= 1
            notes.append(Noted(at, CopyCount(copies)))
        elif level is not None:
            continue
        level = min(pace, after)
    return notes


def _groups(paces: list[tuple[float, float]], size: int) -> list[tuple[float, float]]:
    """When each group of so many answers began to end, and their median pace; what is left over is no group."""
    found = []
    for begin in range(0, len(paces) - size + 1, size):
        group = paces[begin : begin + size]
        found.append((group[0][0], median(pace for _, pace in group)))
    return found
