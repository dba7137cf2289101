"""Figures with their spread."""

from __future__ import annotations

from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Figure(NamedTuple):
    """A median with its quartiles; the unit is its owner's to say."""

    median: float
    q1: float
    q3: float
    samples: int

    def minus(self, amount: float) -> Figure:
        """What is left of it over a constant."""
        return self._replace(median=self.median - amount, q1=self.q1 - amount, q3=self.q3 - amount)

    def __str__(self) -> str:
        return f"{significant(self.median)} ({significant(self.q1)} to {significant(self.q3)})"


def figure(samples: Sequence[float]) -> Figure:
    """The figure of at least two samples.

    Raises:
        statistics.StatisticsError: there are fewer, so there is no spread to show.
    """
    q1, _, q3 = quantiles(samples, n=4, method="inclusive")
    return Figure(median(samples), q1, q3, len(samples))


def percentile(samples: Sequence[float], percent: int) -> float:
    """The sample that `percent` of all samples do not exceed, interpolated between neighbours."""
    return quantiles(samples, n=100, method="inclusive")[percent - 1]


def as_json(value: Any) -> Any:
    """Named tuples as objects, and floats with the digits that mean something."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if hasattr(value, "_asdict"):
        return as_json(value._asdict())
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}
    return [as_json(part) for part in value] if isinstance(value, list) else value


def significant(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - _magnitude(value))
    return f"{value:,.{digits}f}"


def _magnitude(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])
