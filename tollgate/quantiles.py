"""Percentiles by nearest rank: the smallest value that at least a given share of all values do not exceed.

https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

MOST_TO_SORT = 1_000_000
"""A sorted list of numbers takes 32 bytes each. Of more values than these a percentile is searched in place."""
_BUCKETS = 4096


def quantile(ordered: Sequence[float], share: float) -> float:
    """The percentile of values in ascending order, of which there is one at least.

    Example:
        >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
        2.0
    """
    return ordered[_place(len(ordered), share)]


def quantiles(values: array[float], shares: Sequence[float], most_to_sort: int = MOST_TO_SORT) -> list[float | None]:
    """The percentile of values in any order for each share; None of nothing."""
    if not values:
        return [None for _ in shares]
    if len(values) <= most_to_sort:
        ordered = sorted(values)
        return [quantile(ordered, share) for share in shares]
    return [_searched(values, _place(len(values), share), most_to_sort) for share in shares]


def _place(count: int, share: float) -> int:
    return max(0, math.ceil(count * share) - 1)


def _searched(values: array[float], place: int, most_to_sort: int) -> float:
    """The value that would stand at a place if all were sorted: buckets are counted until one is small enough."""
    low, high = min(values), max(values)
    while low < high:
        width = (high - low) / _BUCKETS
        counts = [0] * (_BUCKETS + 1)
        within = 0
        for value in values:
            if low <= value <= high:
                counts[int((value - low) / width)] += 1
                within += 1
        if within <= most_to_sort:
            return sorted(value for value in values if low <= value <= high)[place]
        bucket = 0
        while place >= counts[bucket]:
            place -= counts[bucket]
            bucket += 1
        low, high = _bounds(values, low, high, width, bucket)
    return low


def _bounds(values: array[float], low: float, high: float, width: float, bucket: int) -> tuple[float, float]:
    """The smallest and the largest value in a bucket of those between low and high."""
    smallest, largest = high, low
    for value in values:
        if low <= value <= high and int((value - low) / width) == bucket:
            smallest, largest = min(smallest, value), max(largest, value)
    return smallest, largest
