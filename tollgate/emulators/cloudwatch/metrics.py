"""Keeps the values of metrics, as they are read from lines in the embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_VALUES = 100_000
"""Values kept of one metric; the oldest are dropped."""
_MOST_METRICS = 2_000


class Metric(NamedTuple):
    """A metric: its namespace, its name, and the values of its dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


class MetricStore:
    """The values of metrics, each with its time on the one simulated clock.

        store = MetricStore(clock.now)
        store.read_line('{"_aws": {"CloudWatchMetrics": […]}, "Requests": 1, "model": "m"}')
        store.statistics(metric, start, end, 60, "Sum")    # [(start of a period, value), …]

    The times in the lines are not used: functions run on the real clock. `delay_s` is how much later a value can be
    seen than it was written, as it is on AWS.
    """

    def __init__(self, now: Callable[[], float], delay_s: float = 0.0) -> None:
        self._now = now
        self.delay_s = delay_s
        self._values: dict[Metric, deque[tuple[float, float]]] = {}
        self._lock = threading.Lock()

    def read_line(self, line: str) -> bool:
        """Take the metrics out of a function's line; says whether there were any."""
        if '"CloudWatchMetrics"' not in line:
            return False
        try:
            document = json.loads(line)
            directives = document["_aws"]["CloudWatchMetrics"]
        except (ValueError, KeyError, TypeError):
            return False
        for directive in directives:
            for names in directive["Dimensions"]:
                dimensions = {name: str(document[name]) for name in names}
                for metric in directive["Metrics"]:
                    value = document[metric["Name"]]
                    for one in value if isinstance(value, list) else [value]:
                        self.add(directive["Namespace"], metric["Name"], dimensions, float(one))
        return True

    def add(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
        """Add a value of now."""
        metric = Metric(namespace, name, frozenset(dimensions.items()))
        with self._lock:
            if metric not in self._values and len(self._values) >= _MOST_METRICS:
                return
            self._values.setdefault(metric, deque(maxlen=_MOST_VALUES)).append((self._now(), value))

    def metrics(self) -> list[Metric]:
        """Every metric that has values."""
        with self._lock:
            return list(self._values)

    def statistics(
        self, metric: Metric, start: float, end: float, period_s: int, statistic: str
    ) -> list[tuple[float, float]]:
        """One statistic of each period that has values: the period's start, and the value; oldest first.

        Args:
            metric: whose values.
            start: from when on, in seconds since 1970; it is rounded down to a period's start.
            end: until when.
            period_s: the length of a period in seconds.
            statistic: Sum, SampleCount, Average, Minimum, Maximum or a percentile such as p90.

        Raises:
            ValueError: the statistic is none of these.
        """
        seen_until = min(end, self._now() - self.delay_s)
        start = math.floor(start / period_s) * period_s
        periods: dict[float, list[float]] = {}
        with self._lock:
            values = list(self._values.get(metric, ()))
        for at, value in values:
            if start <= at < seen_until:
                periods.setdefault(math.floor(at / period_s) * period_s, []).append(value)
        return [(at, _statistic(statistic, found)) for at, found in sorted(periods.items())]


def _statistic(name: str, values: list[float]) -> float:
    simple: dict[str, Any] = {"Sum": sum, "SampleCount": len, "Minimum": min, "Maximum": max}
    if name in simple:
        return float(simple[name](values))
    if name == "Average":
        return sum(values) / len(values)
    if name.startswith("p"):
        return _percentile(float(name[1:]), values)
    raise ValueError(f"{name} is no statistic that the local CloudWatch knows")


def _percentile(percent: float, values: list[float]) -> float:
    """The value that so many per cent of the values do not exceed, between two values in proportion."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
