"""The figures of a phase, from its samples: latencies with their uncertainty, rates, failures, money."""

from __future__ import annotations

import random
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate.costs import prices
from tollgate.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollgate.measuring.copies import CopyLog

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_RESAMPLES = 300
_WINDOWS_PER_HOUR = 60 / prices.CUSTOM_MODEL_WINDOW_MINUTES


class Sample(NamedTuple):
    """One request. Times are in seconds: `at` since the phase's begin, the others since the request was due.

    `code` is empty for an answer, else what went wrong; `first_s` is None where nothing was streamed.
    """

    at: float
    total_s: float
    first_s: float | None = None
    completion_tokens: int | None = None
    code: str = ""


class Slo(NamedTuple):
    """What an answer has to keep to count as good, in seconds; None asks nothing."""

    ttft: float | None = None
    total: float | None = None

    def is_kept(self, sample: Sample) -> bool:
        """Whether an answer keeps both."""
        if self.ttft is not None and (sample.first_s is None or sample.first_s > self.ttft):
            return False
        return self.total is None or sample.total_s <= self.total


def latencies(seconds: Sequence[float], seed: int = 1) -> dict[str, Any] | None:
    """Percentiles, each with the bounds between which 95 of 100 resamplings put it; None of nothing.

    It is the percentile bootstrap: https://en.wikipedia.org/wiki/Bootstrapping_(statistics)
    """
    if not seconds:
        return None
    ordered = sorted(seconds)
    dice = random.Random(seed)  # noqa: S311 -- draws samples, protects nothing
    drawn: dict[str, list[float]] = {name: [] for name in SHARES}
    for _ in range(_RESAMPLES):
        again = sorted(dice.choices(ordered, k=len(ordered)))
        for name, share in SHARES.items():
            drawn[name].append(quantile(again, share))
    found: dict[str, Any] = {"mean": round(fmean(ordered), 4)}
    for name, share in SHARES.items():
        bounds = sorted(drawn[name])
        found[name] = round(quantile(ordered, share), 4)
        found[f"{name}_between"] = [round(quantile(bounds, 0.025), 4), round(quantile(bounds, 0.975), 4)]
    return found


def figures(samples: Sequence[Sample], seconds: float, answers: int, slo: Slo, clients: int | None) -> dict[str, Any]:
    """The figures of a phase but for its copies; `clients` is None for an open loop.

    `answers` are all that came within its seconds, also to requests that are not among the samples.
    """
    answered = [sample for sample in samples if not sample.code]
    total = latencies([sample.total_s for sample in answered])
    firsts = [sample.first_s for sample in answered if sample.first_s is not None]
    paces = [pace for pace in map(seconds_per_token, answered) if pace is not None]
    goodput = sum(slo.is_kept(sample) for sample in answered) / len(samples) if samples else 0.0
    answered_share = len(answered) / len(samples) if samples else 0.0
    rate = answers / seconds * 60 if seconds else 0.0
    failures = Counter(sample.code for sample in samples if sample.code)
    return {
        "clients": clients,
        "requests": len(samples),
        "seconds": round(seconds, 3),
        "requests_per_minute": round(rate, 2),
        "latency_s": total,
        "p95_s": None if total is None else total["p95"],
        "time_to_first_token_s": latencies(firsts),
        "seconds_per_token": latencies(paces),
        "goodput_share": round(goodput, 4),
        "goodput_per_minute": round(rate * goodput / answered_share, 2) if answered_share else 0.0,
        "failures": dict(failures),
        "cold_starts": failures["model_not_ready"],
        "littles_law": _littles_law(clients, total, rate),
    }


def copy_figures(row: dict[str, Any], copies: CopyLog | None, units: int) -> dict[str, Any]:
    """What a phase's copies were and cost; every figure is None where they are not known.

    The phase's `started` is when its warm-up began, in seconds since 1970. Windows are those billed from there to its
    end. Dollars per 1,000 answers are those at the phase's rate, while all windows of its copies are in use.
    """
    begun = row["started"]
    counted, end = begun + row["warm_up_s"], begun + row["warm_up_s"] + row["seconds"]
    changes = [] if copies is None else copies.within(counted, end)
    if copies is None or not changes:
        unknown = ("copies", "copies_from", "windows", "usd", "usd_per_1000")
        return {**dict.fromkeys(unknown), "copies_over_time": []}
    windows = copies.windows(begun, end)
    return {
        "copies": changes[-1][1],
        "copies_from": copies.source,
        "copies_over_time": [[round(at - counted, 1), serving] for at, serving in changes],
        "windows": windows,
        "usd": None if windows is None else round(windows * units * prices.window_usd(), 4),
        "usd_per_1000": _usd_per_1000(row["requests_per_minute"], copies.mean(counted, end), units),
    }


def seconds_per_token(sample: Sample) -> float | None:
    """From the first token to the last, by token; None of a failure, or of an answer that has not several."""
    if sample.code or sample.first_s is None or (sample.completion_tokens or 0) < 2:
        return None
    assert sample.completion_tokens is not None
    return (sample.total_s - sample.first_s) / (sample.completion_tokens - 1)


def _usd_per_1000(rate: float, copies: float | None, units: int) -> float | None:
    """What a thousand answers cost at this rate, while all windows of all copies are in use; None if unknown."""
    if not rate or copies is None:
        return None
    hourly = copies * units * _WINDOWS_PER_HOUR * prices.window_usd()
    return round(hourly / (rate * 60) * 1000, 4)


def _littles_law(clients: int | None, total: dict[str, Any] | None, rate: float) -> float | None:
    """Clients that the rate and the mean latency come to, as a share of those that there were: 1 where all waited.

    https://en.wikipedia.org/wiki/Little%27s_law
    """
    if clients is None or total is None:
        return None
    mean: float = total["mean"]
    return round(rate / 60 * mean / clients, 3)
