"""When variants were asked last, from the metrics that the functions write for each request (docs/operations.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tollgate_layer.inference.telemetry import NAMESPACE
from tollgate_release.keep_warm.price import DOCUMENTED_STAY_MINUTES

if TYPE_CHECKING:
    from collections.abc import Iterable

DAYS = 14
"""How far back is looked; CloudWatch keeps figures by the minute for 15 days."""
_CLOSE_LOOK = timedelta(hours=3)
_MOST_QUERIES = 500
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""
_PINGS = ("KeepWarmPings",)

Variant = tuple[str, str]
"""A model's name and a variant's."""


@dataclass(frozen=True, slots=True)
class LastUse:
    """When a variant was asked last: by clients, and by anybody (keep-warm, too), in seconds since 1970.

    None where it was not in the last 14 days.
    """

    by_clients: float | None = None
    by_anybody: float | None = None

    def is_warm(self, now: float) -> bool:
        """Whether the model has probably still a copy: it was asked within the time that AWS says one stays."""
        return self.by_anybody is not None and now - self.by_anybody <= DOCUMENTED_STAY_MINUTES * 60


def last_uses(cloudwatch: Any, stack: str, variants: Iterable[Variant], now: float) -> dict[Variant, LastUse]:
    """When each of some variants was asked last: to the minute for the last three hours, before to the hour.

    Empty where CloudWatch knows of no request to any of them, since nothing is then known of any.
    """
    # A name that is no dimension's value would have CloudWatch refuse the question about all others, too.
    asked = [variant for variant in variants if all(name.isascii() and name.isprintable() for name in variant)]
    end = datetime.fromtimestamp(now, UTC)
    close = _latest(cloudwatch, stack, asked, ("Requests", *_PINGS), end - _CLOSE_LOOK, end, period_s=60)
    others = [variant for variant in asked if (variant, "Requests") not in close]
    far = _latest(cloudwatch, stack, others, ("Requests",), end - timedelta(days=DAYS), end, period_s=3600)
    if not close and not far:
        return {}
    found = {}
    for variant in asked:
        by_clients = close.get((variant, "Requests"), far.get((variant, "Requests")))
        pinged = [close[variant, name] for name in _PINGS if (variant, name) in close]
        everybody = [*pinged, *([by_clients] if by_clients is not None else [])]
        found[variant] = LastUse(by_clients, max(everybody, default=None))
    return found


def _latest(
    cloudwatch: Any,
    stack: str,
    variants: list[Variant],
    names: tuple[str, ...],
    start: datetime,
    end: datetime,
    period_s: int,
) -> dict[tuple[Variant, str], float]:
    """The beginning of the latest period in which a metric counted something, by variant and metric."""
    wanted = [(variant, name) for variant in variants for name in names]
    latest: dict[tuple[Variant, str], float] = {}
    for first in range(0, len(wanted), _MOST_QUERIES):
        part = wanted[first : first + _MOST_QUERIES]
        queries = [_query(number, stack, *one, period_s) for number, one in enumerate(part)]
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampDescending"
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                key = part[int(result["Id"][1:])]
                for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                    if value > 0:
                        latest[key] = max(latest.get(key, 0.0), at.timestamp())
    return latest


def _query(number: int, stack: str, variant: Variant, name: str, period_s: int) -> dict[str, Any]:
    dimensions = {"stack": stack, "model": variant[0], "variant": variant[1]}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": period_s, "Stat": "Sum"}}
