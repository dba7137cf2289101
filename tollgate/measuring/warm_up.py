"""When a phase begins to count: what is measured is a model's pace, not its start."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.measuring.copies import CopyCount, CopyLog
    from tollgate.measuring.figures import Sample

_ALIKE = 0.15
"""Two rounds are alike if their mean latencies differ by no more than this share."""
_STEADY_S, _STEADY_UNSEEN_S = 60.0, 180.0
"""Seconds for which several clients must have found a model as it is: a copy is added after half a minute of crowding.
Where copies cannot be seen, one that loads for minutes meanwhile must show in the pace."""
_MOST_S = 900.0
_HOPELESS_ROUNDS = 3
_ODD_ROUNDS = 2


class WarmUp(Protocol):
    """Is asked with each answer, in seconds since the first request was sent, whether from now on answers count."""

    def is_over(self, now: float, sample: Sample) -> bool:
        """Whether the next answers count."""


class FixedWarmUp:
    """Lasts so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def is_over(self, now: float, sample: Sample) -> bool:
        """See `WarmUp`."""
        return now >= self._seconds


class UntilSteady:
    """Lasts until no copy comes or goes, and answers take as long as they took.

    Answers are looked at in rounds of two for each client, while all clients go on: a pause between rounds would keep a
    crowded model from getting another copy. It gives up after a quarter of an hour, or where nothing is answered: then
    the phase says so.
    """

    def __init__(self, clients: int, copies: CopyLog, say: Callable[[str], None], *, is_imported: bool) -> None:
        """Of what is not said to be an imported model, and tells no copies, two alike rounds are enough."""
        self._clients = clients
        self._is_imported = is_imported
        self._copies = copies
        self._say = say
        self._round: list[Sample] = []
        self._steady_since = 0.0
        self._pace: float | None = None
        self._seen: CopyCount | None = None
        self._hopeless = 0
        self._odd = 0
        """Rounds, one after another, that took another time than the steady ones: a single one is chance."""

    def is_over(self, now: float, sample: Sample) -> bool:
        """See `WarmUp`."""
        self._round.append(sample)
        if len(self._round) < max(2 * self._clients, 4):
            return False
        self._look(now)
        self._round = []
        self._say(f"warming up for {now:.0f} s, steady for {now - self._steady_since:.0f} s")
        if now >= _MOST_S or self._hopeless >= _HOPELESS_ROUNDS:
            return True
        if self._pace is None or self._odd:
            return False
        # For one client no copy is ever added, nor of what has none.
        if self._clients == 1 or (self._seen is None and not self._is_imported):
            return now > self._steady_since
        return now - self._steady_since >= (_STEADY_UNSEEN_S if self._seen is None else _STEADY_S)

    def _look(self, now: float) -> None:
        """Judge a round: what is not as in the round before begins the steady time anew."""
        answered = [sample.total_s for sample in self._round if not sample.code]
        is_cold = any(sample.code == "model_not_ready" for sample in self._round)
        self._hopeless = 0 if answered or is_cold else self._hopeless + 1
        seen = self._copies.notes[-1].copies if self._copies.notes else None
        mean = fmean(answered) if answered else None
        is_alike = mean is not None and self._pace is not None and abs(mean / self._pace - 1) <= _ALIKE
        moves = seen is not None and (seen.loading > 0 or self._seen is None or seen.serving != self._seen.serving)
        self._seen = seen
        self._odd = 0 if is_alike else self._odd + 1
        if is_cold or moves or self._pace is None or self._odd >= _ODD_ROUNDS:
            self._steady_since, self._pace, self._odd = now, mean, 0
