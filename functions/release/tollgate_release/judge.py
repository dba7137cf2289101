"""The verdict on a canary: worse than the stable variant, good enough, or not yet to be told.

A pure function of two variants' figures. docs/releases.md shows how often it errs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tollgate_release.statistics import fisher_greater, needed_without_failure, upper_bound

# The rule's numbers. The level is small because the figures are looked at again and again.
_LEVEL = 0.001
_LEAST_REQUESTS = 20
_LEAST_FAILURES = 3
_SURE_FAILURES = 5
_SURE_SHARE = 0.5
_LEAST_TIMED = 150
"""Requests from which on a difference in time is believed: with fifty, one in twelve good canaries looks slow."""
_SLOWER = 1.3
_SLOWER_S = 0.5


@dataclass(frozen=True, slots=True)
class Figures:
    """What a variant did since the canary began; requests to a cold or throttled model are not among them."""

    requests: int = 0
    failures: int = 0
    empty: int = 0
    truncated: int = 0
    p50_s: float | None = None
    p90_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures say so far.

    `would_have_shown` is the smallest rate of failures that would have shown by now; `is_slow` that the canary looks
    slow, which is believed if it does so twice running.
    """

    kind: Literal["fail", "pass", "more"]
    reason: str
    would_have_shown: float
    is_slow: bool = False


def judge(canary: Figures, stable: Figures, tolerance: float, *, interval_over: bool, was_slow: bool) -> Verdict:
    """Compare a canary with the stable variant.

    Args:
        canary: the new variant's figures.
        stable: the other's.
        tolerance: by how much the canary's rate of failures may be higher, 0.02 for two points.
        interval_over: whether the step has lasted long enough to end.
        was_slow: whether the canary looked slow at the look before.
    """
    bound = upper_bound(canary.failures, canary.requests)
    slow = _is_slow(canary, stable)
    reason = _failing(canary, stable, tolerance)
    if reason is None and slow and was_slow:
        reason = f"slow: p90 {canary.p90_s:.1f} s, stable {stable.p90_s:.1f} s"
    if reason is not None:
        return Verdict("fail", reason, bound, slow)
    stable_rate = stable.failures / stable.requests if stable.requests else 0.0
    told = counts(canary, stable)
    if interval_over and not slow and bound <= stable_rate + tolerance:
        return Verdict("pass", told, bound, slow)
    return Verdict("more", told, bound, slow)


def counts(canary: Figures, stable: Figures) -> str:
    """Both variants' failures, for people."""
    return f"{canary.failures} of {canary.requests} failed, stable {stable.failures} of {stable.requests}"


def is_too_quiet(canary: Figures, tolerance: float) -> bool:
    """Whether the canary had fewer requests than a verdict needs at least."""
    return canary.requests < needed_without_failure(tolerance)


def _failing(canary: Figures, stable: Figures, tolerance: float) -> str | None:
    """Why the canary has failed; None while it has not."""
    share = canary.failures / canary.requests if canary.requests else 0.0
    if canary.failures >= _SURE_FAILURES and share >= _SURE_SHARE:
        return counts(canary, stable)
    kinds = (
        ("failed", canary.failures, stable.failures),
        ("were empty", canary.empty, stable.empty),
        ("were cut off", canary.truncated, stable.truncated),
    )
    for what, bad, stable_bad in kinds:
        if _is_worse(bad, canary.requests, stable_bad, stable.requests, tolerance):
            return f"{bad} of {canary.requests} {what}, stable {stable_bad} of {stable.requests}"
    return None


def _is_worse(x1: int, n1: int, x0: int, n0: int, tolerance: float) -> bool:
    if n1 < _LEAST_REQUESTS or n0 < _LEAST_REQUESTS or x1 < _LEAST_FAILURES:
        return False
    return x1 / n1 - x0 / n0 > tolerance / 2 and fisher_greater(x1, n1, x0, n0) < _LEVEL


def _is_slow(canary: Figures, stable: Figures) -> bool:
    if canary.requests < _LEAST_TIMED or stable.requests < _LEAST_TIMED:
        return False
    pairs = ((canary.p50_s, stable.p50_s), (canary.p90_s, stable.p90_s))
    for mine, other in pairs:
        if mine is not None and other is not None and mine > _SLOWER * other + _SLOWER_S:
            return True
    return False
