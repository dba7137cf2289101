"""What one request costs in Preprocess and Postprocess: CPU time, and how it grows with the chat."""

from __future__ import annotations

import time
from contextlib import redirect_stdout
from statistics import correlation, linear_regression, median
from typing import NamedTuple

from benchmarks.figures import Figure, figure, percentile
from benchmarks.handlers import KINDS, NOWHERE, Handlers, Kind, answered_event, chat_event

CHAT_BYTES = 2_000
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)


class Sample(NamedTuple):
    """CPU milliseconds of one request."""

    preprocess: float
    postprocess: float

    @property
    def total(self) -> float:
        """Both functions."""
        return self.preprocess + self.postprocess


class Size(NamedTuple):
    """CPU milliseconds, p50, of a ten-message chat of so many bytes."""

    body_bytes: int
    p50_ms: float


class RequestCost(NamedTuple):
    """CPU milliseconds of a ten-message chat, and the line through the p50 of its sizes."""

    kind: str
    cpu_ms: Figure
    p95_ms: float
    preprocess_ms: float
    postprocess_ms: float
    sizes: list[Size]
    microseconds_per_kb: float
    r_squared: float


def measure(requests: int = 2_000, requests_per_size: int = 200) -> list[RequestCost]:
    """The cost of each kind of request."""
    with redirect_stdout(NOWHERE):
        handlers = Handlers.load()
        return [_cost(handlers, kind, requests, requests_per_size) for kind in KINDS]


def best_ms(handlers: Handlers, kind: Kind, body_bytes: int, requests: int = 30) -> float:
    """The least CPU milliseconds of a few requests, which other processes have disturbed the least."""
    return min(sample.total for sample in _samples(handlers, kind, body_bytes, requests))


def _cost(handlers: Handlers, kind: Kind, requests: int, requests_per_size: int) -> RequestCost:
    samples = _samples(handlers, kind, CHAT_BYTES, requests)
    totals = [sample.total for sample in samples]
    sizes = [
        Size(size, median(sample.total for sample in _samples(handlers, kind, size, requests_per_size)))
        for size in SIZES
    ]
    kilobytes, medians = [size.body_bytes / 1000 for size in sizes], [size.p50_ms for size in sizes]
    return RequestCost(
        kind.name,
        cpu_ms=figure(totals),
        p95_ms=percentile(totals, 95),
        preprocess_ms=median(sample.preprocess for sample in samples),
        postprocess_ms=median(sample.postprocess for sample in samples),
        sizes=sizes,
        microseconds_per_kb=linear_regression(kilobytes, medians).slope * 1000,
        r_squared=correlation(kilobytes, medians) ** 2,
    )


def _samples(handlers: Handlers, kind: Kind, body_bytes: int, requests: int) -> list[Sample]:
    """The first tenth warms up and is left out."""
    event = chat_event(kind, body_bytes)
    answered = answered_event(kind, handlers.preprocess(event, None))
    samples = []
    for _ in range(requests + requests // 10):
        start = time.process_time()
        handlers.preprocess(event, None)
        between = time.process_time()
        handlers.postprocess(answered, None)
        samples.append(Sample((between - start) * 1000, (time.process_time() - between) * 1000))
    return samples[requests // 10 :]
