"""A variant's figures, from the metrics that the functions write for each request (docs/operations.md)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from tollgate_layer.inference.telemetry import NAMESPACE
from tollgate_release.judge import Figures

_COUNTS = ("Requests", "Failures", "NotReady", "Throttled", "EmptyAnswers", "Truncated")
_PERIOD_S = 60
_TIMES_PERIOD_S = 300
_LONGEST_PERIODS = 1440
"""Periods that one figure may have; older ones are told in longer periods."""


def read_figures(
    cloudwatch: Any, stack: str, model: str, variants: list[str], start: float, end: float
) -> dict[str, Figures]:
    """The figures of each variant between two times, in seconds since 1970.

    Percentiles of the model's time are means over periods of five minutes, weighted by their requests: CloudWatch has
    none over several periods.
    """
    seconds = max(end - start, _PERIOD_S)
    period_s = _PERIOD_S * max(1, math.ceil(seconds / _PERIOD_S / _LONGEST_PERIODS))
    queries = []
    for index, variant in enumerate(variants):
        for name in _COUNTS:
            queries.append(_query(f"c{index}{name}", stack, model, variant, name, "Sum", period_s))
        for statistic in ("p50", "p90", "SampleCount"):
            name = f"t{index}{statistic}"
            queries.append(_query(name, stack, model, variant, "ModelTime", statistic, max(_TIMES_PERIOD_S, period_s)))
    found: dict[str, list[float]] = {}
    request: dict[str, Any] = {
        "MetricDataQueries": queries,
        "StartTime": datetime.fromtimestamp(math.floor(start / _PERIOD_S) * _PERIOD_S, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
        "ScanBy": "TimestampAscending",
    }
    while True:
        answer = cloudwatch.get_metric_data(**request)
        for result in answer["MetricDataResults"]:
            found.setdefault(result["Id"], []).extend(result["Values"])
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]
    return {variant: _figures(found, index) for index, variant in enumerate(variants)}


def _query(
    identity: str, stack: str, model: str, variant: str, name: str, statistic: str, period_s: int
) -> dict[str, Any]:
    dimensions = {"stack": stack, "model": model, "variant": variant}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": identity, "MetricStat": {"Metric": metric, "Period": period_s, "Stat": statistic}}


def _figures(found: dict[str, list[float]], index: int) -> Figures:
    total = {name: int(sum(found.get(f"c{index}{name}", []))) for name in _COUNTS}
    weights = found.get(f"t{index}SampleCount", [])
    return Figures(
        requests=max(0, total["Requests"] - total["NotReady"] - total["Throttled"]),
        failures=total["Failures"],
        empty=total["EmptyAnswers"],
        truncated=total["Truncated"],
        p50_s=_weighted_mean(found.get(f"t{index}p50", []), weights),
        p90_s=_weighted_mean(found.get(f"t{index}p90", []), weights),
    )


def _weighted_mean(values: list[float], weights: list[float]) -> float | None:
    pairs = list(zip(values, weights, strict=False))
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else None
