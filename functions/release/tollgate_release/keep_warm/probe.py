"""Measures how long a model copy stays without requests: ask, wait, ask again, and see whether it was still there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GAPS_MINUTES = (6, 10, 14, 20, 30, 45, 60)
_TRIES = 3
_COLDS_THAT_END_IT = 2
_REPEATS = 3
"""How often a try is repeated when somebody else asked the model meanwhile."""
_WARM_UP_S = 20 * 60
_WARM_UP_PAUSE_S = 15
_CONFIDENCE = 0.95


class ProbeError(Exception):
    """Raised when nothing can be measured; the text says why."""


class Probed(Protocol):
    """A model to measure, and the clock that it lives by."""

    def ask(self) -> float | None:
        """Ask for one token; returns the seconds that it took, None when the model was not ready."""

    def requests_since(self, start: float) -> int | None:
        """How many requests others have sent since a time; None when that is unknown."""

    def now(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


@dataclass(frozen=True, slots=True)
class Try:
    """One wait, and whether the model was found warm after it."""

    gap_minutes: int
    was_warm: bool
    seconds: float | None


@dataclass(slots=True)
class ProbeFindings:
    """What the tries so far say."""

    warm_s: float = 0.0
    tries: list[Try] = field(default_factory=list)
    disturbed: int = 0
    """Tries that did not count, because others asked the model meanwhile."""

    def stays_minutes(self) -> int | None:
        """The longest gap after which it was warm in every try; None when there is none."""
        longest = None
        for gap in sorted({one.gap_minutes for one in self.tries}):
            if not all(one.was_warm for one in self.tries if one.gap_minutes == gap):
                break
            longest = gap
        return longest

    def surely_warm_share(self) -> float:
        """In which share of the cases it is warm after that gap at least, with 95 % confidence.

        With n of n warm, the share p for which that would happen in one of twenty probes: p**n = 0.05.
        """
        gap = self.stays_minutes()
        count = sum(1 for one in self.tries if one.gap_minutes == gap)
        return (1 - _CONFIDENCE) ** (1 / count) if count else 0.0


def probe(
    model: Probed, tell: Callable[[Try], None], gaps_minutes: Sequence[int] = GAPS_MINUTES, tries: int = _TRIES
) -> ProbeFindings:
    """Try longer and longer gaps, until the model was found cold twice after one.

    Args:
        model: what is measured.
        tell: is told of each try as it ends.
        gaps_minutes: the gaps, in the order in which they are tried.
        tries: how often each is tried.

    Raises:
        ProbeError: the model does not get warm, or others ask it all the time.
    """
    findings = ProbeFindings()
    _warm_up(model)
    # The warm-up's last answer may have been a model's first; a second one shows how long a warm one takes.
    findings.warm_s = _ask_warm(model)
    for gap in gaps_minutes:
        colds = 0
        for _ in range(tries):
            one = _try(model, gap, findings)
            findings.tries.append(one)
            tell(one)
            if not one.was_warm:
                colds += 1
                _warm_up(model)
            if colds == _COLDS_THAT_END_IT:
                return findings
    return findings


def _try(model: Probed, gap_minutes: int, findings: ProbeFindings) -> Try:
    """Wait for a gap in which nobody asks, and ask."""
    for _ in range(_REPEATS):
        start = model.now()
        model.sleep(gap_minutes * 60)
        others = model.requests_since(start)
        seconds = model.ask()
        if not others:
            longest_warm_s = max(3.0, 5 * findings.warm_s)
            return Try(gap_minutes, seconds is not None and seconds <= longest_warm_s, seconds)
        findings.disturbed += 1
        if seconds is None:
            _warm_up(model)
    raise ProbeError(
        f"Others asked the model in each of {_REPEATS} waits of {gap_minutes} min: try it at a quiet time."
    )


def _warm_up(model: Probed) -> None:
    end = model.now() + _WARM_UP_S
    while model.ask() is None:
        if model.now() >= end:
            raise ProbeError(f"The model did not get warm within {_WARM_UP_S // 60} min.")
        model.sleep(_WARM_UP_PAUSE_S)


def _ask_warm(model: Probed) -> float:
    seconds = model.ask()
    if seconds is None:
        raise ProbeError("The model answered, and was not ready a moment later.")
    return seconds
