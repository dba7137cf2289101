"""The two pieces of statistics that a canary is judged by, without a library: the function has none.

https://en.wikipedia.org/wiki/Fisher%27s_exact_test
https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Clopper%E2%80%93Pearson_interval
"""

from __future__ import annotations

import math

_BISECTIONS = 60


def fisher_greater(x1: int, n1: int, x0: int, n0: int) -> float:
    """The probability that a group fails so often or more often by chance, if both fail equally often.

    One-sided: the first group has x1 failures of n1, the second x0 of n0.
    """
    failures, total = x1 + x0, n1 + n0
    most = min(n1, failures)
    log_all = _log_choose(total, failures)
    probability = 0.0
    for count in range(x1, most + 1):
        if failures - count <= n0:
            probability += math.exp(_log_choose(n1, count) + _log_choose(n0, failures - count) - log_all)
    return min(1.0, probability)


def upper_bound(failures: int, count: int, confidence: float = 0.95) -> float:
    """The largest rate of failures for which so few in so many would not be a surprise (Clopper-Pearson, one-sided)."""
    if count == 0 or failures >= count:
        return 1.0
    low, high = failures / count, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _at_most(failures, count, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def needed_without_failure(tolerance: float, confidence: float = 0.95) -> int:
    """How many requests without a failure show that the rate is not above the tolerance: 149 for two per cent."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - tolerance))


def _at_most(failures: int, count: int, rate: float) -> float:
    """The probability of at most so many failures in so many requests at a rate."""
    total = 0.0
    for number in range(failures + 1):
        total += math.exp(_log_choose(count, number) + number * math.log(rate) + (count - number) * math.log1p(-rate))
    return total


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
