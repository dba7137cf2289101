"""A plan: what a load costs a month under each policy, how it is served, and what the same would cost elsewhere."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate.costs import prices
from tollgate.costs.formula import HOURS_PER_MONTH, Load, always_on, step_path, total
from tollgate.planning.kernel import Kernel, Outcome
from tollgate.planning.policies import simulate

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from tollgate.emulators.bedrock.profiles import Profile
    from tollgate.planning.traces import Trace

IDLE_READINGS_S = (300.0, 3600.0)
"""How long a model stays loaded without requests is told in two ways: AWS's 5 minutes, and an hour (decision 231)."""
ZERO_PROVISION_S, ZERO_IDLE_S = 420.0, 900.0
"""A SageMaker endpoint that scales to zero: seconds until an instance serves, and until it goes. Assumed: AWS says
"several minutes" for the first, the second is a usual setting."""
_PROXY = "ml.c5.large"
_MOST_FOR_SENSITIVITY = 200_000


class Question(NamedTuple):
    """What is to be planned: a load, a model of so many units, where its profile comes from, and what it is held to."""

    trace: Trace
    profile: Profile
    units: int
    instance: str
    zone: ZoneInfo
    hours: float
    """How long the load lasts; a month has 730."""


def plan(question: Question, policies: tuple[str, ...]) -> dict[str, Any]:
    """The plan as JSON. Amounts are US dollars a month of 730 hours, times seconds; `windows` are of the whole load.

    Raises:
        PolicyError: there is no such policy.
    """
    readings = [_policies(question, policies, idle_s) for idle_s in IDLE_READINGS_S]
    none = readings[0].get("none") or next(iter(readings[0].values()))
    alternatives = _alternatives(question, none)
    found = {
        "trace": _described(question),
        "policies": readings[0],
        "policies_if_idle_3600": readings[1],
        "alternatives": alternatives,
        "break_even": _break_even(question, none),
        "sensitivity": _sensitivity(question),
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


def _policies(question: Question, policies: tuple[str, ...], idle_s: float) -> dict[str, Any]:
    profile = replace(question.profile, idle_seconds=idle_s)
    return {name: _served(question, simulate(question.trace, profile, name, question.zone)) for name in policies}


def _served(question: Question, outcome: Outcome) -> dict[str, Any]:
    """How a load was served, and what that costs."""
    months = question.hours / HOURS_PER_MONTH
    model = outcome.windows * prices.window_usd() * question.units / months
    ordered = sorted(outcome.latencies)
    seconds = sum(ordered) / len(ordered) if ordered else 0.0
    path = total(step_path(Load(max(seconds, 0.1)))) / prices.MILLION * outcome.requests / months
    storage = prices.CUSTOM_MODEL_UNIT_STORAGE_MONTH * question.units
    return {
        "windows": outcome.windows,
        "usd_per_month": round(model + path + storage, 2),
        "usd": {"model": round(model, 2), "path": round(path, 2), "storage": round(storage, 2)},
        "window_share": round(outcome.windows / (question.hours * 60 / prices.CUSTOM_MODEL_WINDOW_MINUTES), 4),
        "cold_share": round(outcome.cold / outcome.requests, 4) if outcome.requests else 0.0,
        "throttled_share": round(outcome.throttled / outcome.requests, 4) if outcome.requests else 0.0,
        "p50_s": quantile(ordered, 0.5),
        "p95_s": quantile(ordered, 0.95),
        "most_copies": max((count for _, count in outcome.copies), default=0),
        "copies": [[round(at, 1), count] for at, count in _to_the_end(_thinned(outcome.copies), question.trace)],
        "peak_requests": outcome.peak,
    }


def quantile(ordered: list[float], share: float) -> float | None:
    """The smallest value that so large a share is not above; None of nothing."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(len(ordered) * share) - 1)], 3)


def _thinned(changes: list[tuple[float, int]], most: int = 500) -> list[tuple[float, int]]:
    step = max(1, len(changes) // most)
    return changes[::step]


def _to_the_end(changes: list[tuple[float, int]], trace: Trace) -> list[tuple[float, int]]:
    """The changes, and the number of copies when the load ends."""
    if not changes or trace.at[-1] <= changes[-1][0]:
        return changes
    return [*changes, (trace.at[-1], changes[-1][1])]


def _alternatives(question: Question, none: dict[str, Any]) -> dict[str, Any]:
    """The same load on SageMaker, and the case study's proxies before the imported model."""
    hourly = prices.INSTANCE_HOUR[question.instance]
    # One instance serves as much as a copy does before it gets a second one beside it.
    # The peak is that of a warm model: what piles up while one loads is no peak of the load.
    warm = Kernel(replace(question.profile, cold_start_seconds=0)).run(question.trace.arrivals())
    count = max(1, math.ceil(warm.peak / question.profile.scale_out_above))
    proxies = total(always_on(1 / 3600, instance=_PROXY)) / prices.MILLION * HOURS_PER_MONTH
    return {
        "sagemaker": {
            "instance": question.instance,
            "count": count,
            "usd_per_month": round(count * hourly * HOURS_PER_MONTH, 2),
            "cold_share": 0.0,
        },
        "sagemaker_zero": _scaled_to_zero(question, hourly),
        "always_on_proxies": {
            "instance": _PROXY,
            "count": 2,
            "usd_per_month": round(none["usd_per_month"] + proxies, 2),
        },
    }


def _scaled_to_zero(question: Question, hourly: float) -> dict[str, Any]:
    """An endpoint that has no instance while nobody asks: an instance is billed while it is up, and while it comes."""
    profile = replace(question.profile, cold_start_seconds=ZERO_PROVISION_S, idle_seconds=ZERO_IDLE_S)
    outcome = Kernel(profile).run(question.trace.arrivals())
    up_s, count, since = 0.0, 0, 0.0
    for at, now in outcome.copies:
        up_s += count * (at - since)
        count, since = now, at
    if count and len(question.trace):
        up_s += count * max(question.trace.at[-1] + ZERO_IDLE_S - since, 0.0)
    months = question.hours / HOURS_PER_MONTH
    ordered = sorted(outcome.latencies)
    return {
        "instance": question.instance,
        "instance_hours_per_month": round(up_s / 3600 / months, 1),
        "usd_per_month": round(up_s / 3600 * hourly / months, 2),
        "cold_share": round(outcome.cold / outcome.requests, 4) if outcome.requests else 0.0,
        "p95_s": quantile(ordered, 0.95),
        "assumed": {"provision_s": ZERO_PROVISION_S, "idle_s": ZERO_IDLE_S},
    }


def _break_even(question: Question, none: dict[str, Any]) -> dict[str, Any]:
    """From which share of its 5-minute windows on a copy costs more than an instance that is always on."""
    per_hour = 60 / prices.CUSTOM_MODEL_WINDOW_MINUTES * prices.window_usd() * question.units
    share = prices.INSTANCE_HOUR[question.instance] / per_hour
    return {
        "window_share": round(share, 4),
        "window_share_if_instance_costs_10_percent_less": round(share * 0.9, 4),
        "window_share_if_instance_costs_10_percent_more": round(share * 1.1, 4),
        "window_share_of_this_load": none["window_share"],
        "instance": question.instance,
    }


def _sensitivity(question: Question) -> dict[str, Any] | None:
    """Dollars a month without a policy, when an assumption is a quarter smaller, and larger; None for large loads."""
    if len(question.trace) > _MOST_FOR_SENSITIVITY:
        return None
    found = {}
    for name in ("cold_start_seconds", "idle_seconds", "decode_seconds_per_token"):
        value = getattr(question.profile, name)
        pair = []
        for factor in (0.75, 1.25):
            profile = replace(question.profile, **{name: value * factor})
            pair.append(_served(question, simulate(question.trace, profile, "none", question.zone))["usd_per_month"])
        found[name] = {"value": value, "usd_per_month": pair}
    return found


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
