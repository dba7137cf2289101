"""How much the answer depends on what is assumed: dollars a month when an assumption is a quarter off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tollgate.planning.alternatives import ZERO_IDLE_S, ZERO_PROVISION_S, scaled_to_zero
from tollgate.planning.kernel import Kernel
from tollgate.planning.outcomes import served

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.planning.question import Question

MOST_REQUESTS = 50_000
"""Of a longer load only so many requests are simulated here, since each assumption takes two simulations."""
ASSUMPTIONS = (
    "cold_start_seconds",
    "idle_seconds",
    "decode_seconds_per_token",
    "slowdown_per_neighbour",
    "scale_out_above",
    "scale_out_seconds",
)
FACTORS = (0.75, 1.25)


def sensitivity(question: Question, step: Callable[[], None]) -> dict[str, Any]:
    """A row for each assumption of the profile, and for those of an endpoint that scales to zero.

    Each has its value, and dollars a month and the share of cold requests when it is a quarter smaller, and larger;
    `base` are the dollars as it is assumed. `step` is told of each row that is done.
    """
    trace = question.trace.head(MOST_REQUESTS)
    hours = question.hours * len(trace) / len(question.trace) if len(trace) else question.hours
    question = question._replace(trace=trace, hours=hours)
    rows: dict[str, Any] = {}
    for name in ASSUMPTIONS:
        value = getattr(question.profile, name)
        rows[name] = _row(value, [_imported(question, {name: value * factor}) for factor in FACTORS])
        step()
    provision, idle = ZERO_PROVISION_S, ZERO_IDLE_S
    less, more = FACTORS
    rows["sagemaker_zero_provision_seconds"] = _row(
        provision, [scaled_to_zero(question, provision * less, idle), scaled_to_zero(question, provision * more, idle)]
    )
    step()
    rows["sagemaker_zero_idle_seconds"] = _row(
        idle, [scaled_to_zero(question, provision, idle * less), scaled_to_zero(question, provision, idle * more)]
    )
    step()
    return {"of_requests": len(trace), "base": _imported(question, {})["usd_per_month"], "assumptions": rows}


def _imported(question: Question, changes: dict[str, Any]) -> dict[str, Any]:
    """The import without a policy, with another value of an assumption."""
    profile = replace(question.profile, **changes)
    return served(question, Kernel(profile).run(question.trace.arrivals()))


def _row(value: float, pair: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "value": value,
        "usd_per_month": [figures["usd_per_month"] for figures in pair],
        "cold_share": [figures["cold_share"] for figures in pair],
    }
