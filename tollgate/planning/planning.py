"""A plan: what a load costs a month under each policy, how it is served, and what the same would cost elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tollgate.costs.formula import HOURS_PER_MONTH
from tollgate.planning.alternatives import alternatives, break_even
from tollgate.planning.outcomes import served
from tollgate.planning.policies import simulate
from tollgate.planning.sensitivity import ASSUMPTIONS, sensitivity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.planning.question import Question

IDLE_READINGS_S = (300.0, 3600.0)
"""How long a model stays loaded without requests is told in two ways: AWS's 5 minutes, and an hour (decision 231)."""


def steps(policies: tuple[str, ...]) -> int:
    """How many steps `plan` takes, each of about one simulation of the load, or two of its first requests."""
    return len(IDLE_READINGS_S) * len(policies) + 1 + len(ASSUMPTIONS) + 2


def plan(question: Question, policies: tuple[str, ...], step: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """The plan as JSON. Amounts are US dollars a month of 730 hours, times seconds; `windows` are of the whole load.

    `step` is told of each step that is done.

    Raises:
        PolicyError: there is no such policy.
    """
    readings: list[dict[str, Any]] = []
    for idle_s in IDLE_READINGS_S:
        profile = replace(question.profile, idle_seconds=idle_s)
        reading = {}
        for name in policies:
            reading[name] = served(question, simulate(question.trace, profile, name, question.zone))
            step()
        readings.append(reading)
    none = readings[0].get("none") or next(iter(readings[0].values()))
    elsewhere = alternatives(question, none["usd_per_month"])
    step()
    found = {
        "trace": _described(question),
        "policies": readings[0],
        "policies_if_idle_3600": readings[1],
        "alternatives": elsewhere,
        "break_even": break_even(question, none["window_share"], none["mean_served_s"]),
        "sensitivity": sensitivity(question, step),
    }
    return {**found, "what_would_change_the_answer": _sentence(found)}


def _described(question: Question) -> dict[str, Any]:
    trace = question.trace
    return {
        "requests": len(trace),
        "hours": round(question.hours, 3),
        "requests_per_hour": round(len(trace) / question.hours, 3),
        "units": question.units,
        "hours_per_month": HOURS_PER_MONTH,
    }


def _sentence(found: dict[str, Any]) -> str:
    """What would change the answer; batches are another service, and not compared."""
    served = {name: row for name, row in found["policies"].items() if not name.startswith("batch")} or found["policies"]
    name, policy = min(served.items(), key=lambda item: float(item[1]["usd_per_month"]))
    gpu = found["alternatives"]["sagemaker"]
    share, even = policy["window_share"], gpu["count"] * found["break_even"]["window_share"]
    ours = f"import ({name}, ${policy['usd_per_month']:,.0f})"
    theirs = f"{gpu['count']} always-on {gpu['instance']} (${gpu['usd_per_month']:,.0f})"
    where = f"{even:.0%} of a copy's windows in use; here {share:.0%} are."
    if policy["usd_per_month"] <= gpu["usd_per_month"]:
        return f"The {ours} costs less than {theirs}; that would change from {where}"
    return f"The {ours} costs more than {theirs}; that would change below {where}"
