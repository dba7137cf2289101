"""How a load was served, in figures, and what that costs a month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.costs import formula, prices
from tollgate.quantiles import quantiles

if TYPE_CHECKING:
    from tollgate.planning.kernel import Outcome
    from tollgate.planning.question import Question

_MOST_CHANGES = 500
"""Changes of the number of copies that are told; of more each second, third … is."""


def served(question: Question, outcome: Outcome) -> dict[str, Any]:
    """The figures of one simulation; amounts are US dollars a month, times seconds."""
    model = outcome.windows * prices.window_usd() * question.units / question.months
    seconds = outcome.served_s / len(outcome.latencies) if outcome.latencies else 0.0
    path = (_path_usd(seconds) * outcome.requests + _path_usd(0) * outcome.pings) / question.months
    storage = prices.CUSTOM_MODEL_UNIT_STORAGE_MONTH * question.units
    p50, p95 = quantiles(outcome.latencies, [0.5, 0.95])
    return {
        "windows": outcome.windows,
        "usd_per_month": round(model + path + storage, 2),
        "usd": {"model": round(model, 2), "path": round(path, 2), "storage": round(storage, 2)},
        "window_share": round(outcome.windows / (question.hours * 60 / prices.CUSTOM_MODEL_WINDOW_MINUTES), 4),
        "cold_share": share_of(outcome.cold, outcome),
        "throttled_share": share_of(outcome.throttled, outcome),
        "mean_served_s": rounded(seconds),
        "p50_s": rounded(p50),
        "p95_s": rounded(p95),
        "most_copies": max((count for _, count in outcome.copies), default=0),
        "copies": _changes(question, outcome),
        "peak_requests": outcome.peak,
    }


def step_path(seconds: float) -> list[formula.Line]:
    """What a million requests cost on the step path that take so long, or a tenth of a second at least."""
    return formula.step_path(formula.Load(max(seconds, 0.1)))


def _path_usd(seconds: float) -> float:
    """What one of them costs."""
    return formula.total(step_path(seconds)) / prices.MILLION


def share_of(count: int, outcome: Outcome) -> float:
    """So many of the requests, as a share of all."""
    return round(count / outcome.requests, 4) if outcome.requests else 0.0


def rounded(seconds: float | None) -> float | None:
    """To the millisecond."""
    return None if seconds is None else round(seconds, 3)


def _changes(question: Question, outcome: Outcome) -> list[list[float]]:
    """When the number of copies changed, and to which; and the number when the load ends."""
    step = max(1, len(outcome.copies) // _MOST_CHANGES)
    changes = [[round(at, 1), count] for at, count in outcome.copies[::step]]
    if changes and question.trace.at[-1] > changes[-1][0]:
        changes.append([round(question.trace.at[-1], 1), changes[-1][1]])
    return changes
