"""What keeping a model warm costs, and how warm it is kept, for each reading of how long a copy stays.

A model copy is billed in windows of five minutes, each of which begins with a request:
https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
How long a copy stays without requests is not published for certain (5 minutes in AWS's announcement, other figures
elsewhere), so `stay_minutes` is an argument and never a constant of the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tollgate_release.keep_warm.hours import WEEKS_PER_MONTH

if TYPE_CHECKING:
    from tollgate_release.keep_warm.hours import Hours

WINDOW_MINUTES = 5
DOCUMENTED_STAY_MINUTES = 5.0
DEFAULT_EVERY_MINUTES = 4
"""The longest whole number of minutes that surely is under the documented stay."""


@dataclass(frozen=True, slots=True)
class Price:
    """What keep-warm costs in an average month, for one model copy, if nobody else asks."""

    windows: float
    usd: float
    warm_share: float
    """Share of the hours in which the model is warm."""


def price(
    hours: Hours, every_minutes: float, units: int, window_usd: float, *, stay_minutes: float = DOCUMENTED_STAY_MINUTES
) -> Price:
    """What a month of pings costs at most.

    Pings closer than a window leave no window out; others open one each. A ping that finds the model cold is counted,
    too, though it may open none: whether a copy is billed before its first answer is not published.

    Args:
        hours: when it is kept warm.
        every_minutes: minutes between two pings.
        units: custom model units per copy.
        window_usd: the price of one window of one unit.
        stay_minutes: how long a copy stays without requests.
    """
    minutes = hours.per_month * 60
    windows = minutes / max(every_minutes, WINDOW_MINUTES)
    warm_share = 1.0 if every_minutes < stay_minutes else stay_minutes / every_minutes
    return Price(windows, windows * units * window_usd, warm_share)


def isolated_requests_usd(per_day: float, units: int, window_usd: float) -> float:
    """What a month of requests costs that come alone, each to a cold model: a window for each."""
    return per_day * 7 * WEEKS_PER_MONTH * units * window_usd
