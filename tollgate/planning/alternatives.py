"""The same load elsewhere: SageMaker's instances, always on or scaled to zero, and the import behind proxies."""

from __future__ import annotations

import heapq
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tollgate.costs import formula, prices
from tollgate.planning.kernel import Kernel
from tollgate.planning.outcomes import rounded, share_of, step_path
from tollgate.quantiles import quantiles

if TYPE_CHECKING:
    from tollgate.planning.question import Question

ZERO_PROVISION_S, ZERO_IDLE_S = 420.0, 900.0
"""A SageMaker endpoint that scales to zero: seconds until an instance serves, and until it goes. Assumed: AWS says
"several minutes" for the first, the second is a usual setting."""
_PROXY, _PROXIES = "ml.c5.large", 2


def alternatives(question: Question, import_usd: float) -> dict[str, Any]:
    """Dollars a month of each, beside the import, which costs so many without a policy."""
    hourly = prices.INSTANCE_HOUR[question.instance]
    count = instances(question)
    proxies = _PROXIES * prices.INSTANCE_HOUR[_PROXY] * formula.HOURS_PER_MONTH
    return {
        "sagemaker": {
            "instance": question.instance,
            "count": count,
            "usd_per_month": round(count * hourly * formula.HOURS_PER_MONTH, 2),
            "cold_share": 0.0,
        },
        "sagemaker_zero": scaled_to_zero(question, ZERO_PROVISION_S, ZERO_IDLE_S),
        "always_on_proxies": {
            "instance": _PROXY,
            "count": _PROXIES,
            "usd_per_month": round(import_usd + proxies, 2),
        },
    }


def instances(question: Question) -> int:
    """How many instances the load's peak needs, each serving as much as a copy does before it gets a second one.

    The peak is the most requests that are under way at once if each is served as soon as it comes, by an instance that
    is as busy as that.
    """
    profile, trace = question.profile, question.trace
    if math.isinf(profile.scale_out_above):
        return 1
    token_s = profile.decode_seconds_per_token * (1 + profile.slowdown_per_neighbour * (profile.scale_out_above - 1))
    ends: list[float] = []
    peak = 0
    for arrival in trace.arrivals():
        while ends and ends[0] <= arrival.at:
            heapq.heappop(ends)
        reading_s = arrival.prompt_tokens * profile.prefill_seconds_per_token
        heapq.heappush(ends, arrival.at + reading_s + arrival.completion_tokens * token_s)
        peak = max(peak, len(ends))
    return max(1, math.ceil(peak / max(profile.scale_out_above, 1)))


def scaled_to_zero(question: Question, provision_s: float, idle_s: float) -> dict[str, Any]:
    """An endpoint that has no instance while nobody asks: an instance is billed while it is up, and while it comes."""
    profile = replace(question.profile, cold_start_seconds=provision_s, idle_seconds=idle_s)
    outcome = Kernel(profile).run(question.trace.arrivals())
    up_s = _up_s(outcome.copies, question.trace.at[0] + question.hours * 3600) if outcome.copies else 0.0
    (p95,) = quantiles(outcome.latencies, [0.95])
    hours = up_s / 3600 / question.months
    return {
        "instance": question.instance,
        "instance_hours_per_month": round(hours, 1),
        "usd_per_month": round(hours * prices.INSTANCE_HOUR[question.instance], 2),
        "cold_share": share_of(outcome.cold, outcome),
        "p95_s": rounded(p95),
        "assumed": {"provision_s": provision_s, "idle_s": idle_s},
    }


def _up_s(changes: list[tuple[float, int]], end: float) -> float:
    """Seconds in which instances were up until the load's end, those of all instances together."""
    up_s, count, since = 0.0, 0, 0.0
    for at, now in [*changes, (end, 0)]:
        up_s += count * max(min(at, end) - since, 0.0)
        count, since = now, at
    return up_s


def break_even(question: Question, window_share: float, seconds: float) -> dict[str, Any]:
    """From where on something that is always on costs less: an instance than a copy, proxies than the step path.

    Args:
        question: what is planned.
        window_share: the share of its windows that the load uses.
        seconds: the mean time of a request, for which the step path is billed.
    """
    hourly = formula.model_windows(units=question.units)
    share = prices.INSTANCE_HOUR[question.instance] / hourly
    per_second = formula.break_even(step_path(seconds), instance=_PROXY, instances=_PROXIES)
    return {
        "window_share": round(share, 4),
        "window_share_if_instance_costs_10_percent_less": round(share * 0.9, 4),
        "window_share_if_instance_costs_10_percent_more": round(share * 1.1, 4),
        "window_share_of_this_load": window_share,
        "instance": question.instance,
        "proxies": {"instance": _PROXY, "count": _PROXIES, "requests_per_hour": round(per_second * 3600, 1)},
    }
