"""Large loads are sorted and summed up in place: a percentile or a sorted trace takes little memory of its own."""

from __future__ import annotations

import random
import tracemalloc
from array import array

import pytest

from tollgate.planning.trace import Trace
from tollgate.quantiles import quantile, quantiles

SHARES = [0.0, 0.1, 0.5, 0.95, 0.999, 1.0]


def values(kind, count=20_000):
    dice = random.Random(1)
    made = {
        "any": lambda: dice.random() * 1e6,
        "a few": lambda: float(dice.randrange(3)),
        "one": lambda: 7.5,
        "far apart": lambda: dice.choice([1e-9, 1.0, 1e12]) * dice.random(),
        "close together": lambda: 1.7e9 + dice.random() * 1e-6,
        "mostly one": lambda: 5.0 if dice.random() < 0.99 else dice.random() * 100,
    }
    return array("d", (made[kind]() for _ in range(count)))


@pytest.mark.parametrize("kind", ["any", "a few", "one", "far apart", "close together", "mostly one"])
def test_a_percentile_that_is_searched_is_the_one_of_the_sorted_values(kind):
    drawn = values(kind)
    ordered = sorted(drawn)

    assert quantiles(drawn, SHARES, most_to_sort=100) == [quantile(ordered, share) for share in SHARES]


def test_there_is_no_percentile_of_nothing():
    assert quantiles(array("d"), [0.5, 0.95]) == [None, None]


def shuffled(count):
    dice = random.Random(2)
    trace = Trace()
    for number in range(count):
        trace.add(dice.choice([dice.random(), 0.5]) * 1e6, number, 2 * number)
    return trace


@pytest.mark.parametrize("at_once", [1, 7, 1000, 10_000])
def test_a_trace_is_sorted_whole_however_it_is_merged(at_once):
    trace = shuffled(3000)
    rows = list(zip(trace.at, trace.prompt_tokens, trace.completion_tokens, strict=True))

    trace.sort(at_once=at_once)

    # Requests of the same time keep their order, as with sorted().
    assert list(zip(trace.at, trace.prompt_tokens, trace.completion_tokens, strict=True)) == sorted(
        rows, key=lambda row: row[0]
    )


def most_bytes_during(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_sorting_takes_less_than_a_second_copy_of_the_trace():
    trace = shuffled(60_000)

    # 4 bytes for the order, 4 for the runs that it is merged from, 1 to mark what is done; a copy would be 16.
    assert most_bytes_during(lambda: trace.sort(at_once=1000)) / 60_000 < 12


def test_a_percentile_takes_next_to_nothing():
    drawn = values("any", 60_000)

    # The buckets and their counts: 4,096 of them.
    assert most_bytes_during(lambda: quantiles(drawn, [0.95], most_to_sort=1000)) < 300_000
