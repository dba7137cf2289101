"""The verdict on a canary, its statistics against scipy's figures, and how often it errs."""

from __future__ import annotations

import random

import pytest

from tollgate_release.judge import Figures, is_too_quiet, judge
from tollgate_release.statistics import fisher_greater, needed_without_failure, upper_bound

# Computed with scipy 1.17.1: stats.fisher_exact([[x1, n1 - x1], [x0, n0 - x0]], "greater") for x1, n1, x0, n0.
FISHER = [
    ((5, 20, 0, 61), 0.00060511453),
    ((3, 20, 1, 200), 0.002451857),
    ((0, 10, 0, 10), 1.0),
    ((10, 10, 0, 10), 5.4125441e-06),
    ((2, 50, 3, 60), 0.75616561),
    ((8, 150, 11, 2904), 1.342191e-06),
    ((1, 1, 0, 1), 0.5),
    ((2, 69, 16, 2332), 0.092670756),
    ((14, 61, 30, 2030), 4.0531387e-12),
    ((6, 334, 6, 1555), 0.010401419),
    ((12, 250, 27, 117), 0.99999993),
    ((0, 312, 28, 3123), 1.0),
    ((7, 137, 37, 2956), 0.0027786751),
    ((10, 53, 1, 3693), 1.4326693e-18),
    ((10, 12, 34, 105), 0.00092661735),
    ((3, 5, 13, 3847), 5.8535007e-07),
    ((0, 217, 33, 2974), 1.0),
    ((14, 114, 31, 3129), 1.3212032e-10),
    ((11, 284, 14, 955), 0.014928265),
    ((14, 347, 18, 897), 0.037677716),
    ((8, 12, 6, 1705), 7.9648493e-16),
    ((9, 96, 7, 2578), 6.3344631e-10),
    ((13, 381, 32, 1363), 0.16389643),
    ((9, 344, 18, 778), 0.45239796),
    ((15, 301, 32, 3988), 3.3601685e-07),
]
# And stats.beta.ppf(0.95, x + 1, n - x) for x, n.
CLOPPER_PEARSON = [
    ((0, 149), 0.019904816),
    ((0, 59), 0.04950761),
    ((1, 153), 0.030628873),
    ((2, 310), 0.020168754),
    ((5, 18), 0.49782825),
    ((3, 100), 0.075710794),
    ((37, 1612), 0.030086027),
    ((30, 142), 0.27546155),
    ((25, 995), 0.034916227),
    ((11, 1698), 0.010700159),
    ((35, 1504), 0.030736488),
    ((23, 2880), 0.011295527),
    ((28, 355), 0.10654094),
    ((32, 2719), 0.015776213),
    ((10, 443), 0.037988587),
    ((25, 2134), 0.01632374),
    ((31, 1518), 0.027462396),
    ((30, 122), 0.31842247),
    ((19, 179), 0.15185302),
    ((39, 2882), 0.017638455),
    ((37, 2430), 0.019982845),
    ((10, 1613), 0.010493251),
    ((32, 691), 0.061706107),
    ((0, 930), 0.0032160349),
    ((34, 818), 0.054953853),
]


@pytest.mark.parametrize("numbers, probability", FISHER)
def test_fishers_exact_test(numbers, probability):
    assert fisher_greater(*numbers) == pytest.approx(probability, rel=1e-6)


@pytest.mark.parametrize("numbers, bound", CLOPPER_PEARSON)
def test_the_upper_bound_of_a_rate(numbers, bound):
    assert upper_bound(*numbers) == pytest.approx(bound, rel=1e-6)


@pytest.mark.parametrize("numbers", [(0, 0), (10, 10), (1, 1)])
def test_nothing_is_known_of_no_requests_or_of_failures_alone(numbers):
    assert upper_bound(*numbers) == 1.0


def test_the_bound_is_where_so_few_failures_have_a_chance_of_one_in_twenty():
    """The definition itself: at the bound, at most x failures of n happen in 5 % of the cases."""
    rate = upper_bound(3, 100)
    draw = random.Random(7)
    few = sum(sum(draw.random() < rate for _ in range(100)) <= 3 for _ in range(4000))
    assert few / 4000 == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("tolerance, requests", [(0.01, 299), (0.02, 149), (0.05, 59), (0.1, 29)])
def test_how_many_requests_a_tolerance_needs(tolerance, requests):
    assert needed_without_failure(tolerance) == requests
    assert upper_bound(0, requests) <= tolerance < upper_bound(0, requests - 1)


def verdict(canary, stable, tolerance=0.02, interval_over=True, was_slow=False):
    return judge(Figures(*canary), Figures(*stable), tolerance, interval_over=interval_over, was_slow=was_slow)


@pytest.mark.parametrize(
    "canary, stable, kind",
    [
        ((0, 0), (0, 0), "more"),
        ((149, 0), (2000, 0), "pass"),
        ((148, 0), (2000, 0), "more"),
        ((5, 5), (0, 0), "fail"),
        ((10, 5), (0, 0), "fail"),
        ((11, 5), (0, 0), "more"),
        ((20, 5), (61, 0), "fail"),
        ((20, 2), (61, 0), "more"),
        ((1000, 20), (1000, 20), "pass"),
        ((1000, 60), (1000, 5), "fail"),
        ((300, 0, 30), (300, 0, 0), "fail"),
        ((300, 0, 0, 30), (300, 0, 0, 0), "fail"),
    ],
)
def test_a_verdict(canary, stable, kind):
    assert verdict(canary, stable).kind == kind


def test_a_step_lasts_its_time_even_if_all_is_well():
    assert verdict((500, 0), (500, 0), interval_over=False).kind == "more"


def test_a_canary_that_looks_slow_once_is_looked_at_again():
    slow, quick = (200, 0, 0, 0, 2.0, 5.0), (200, 0, 0, 0, 1.0, 2.0)
    first = verdict(slow, quick)
    assert (first.kind, first.is_slow) == ("more", True)
    assert verdict(slow, quick, was_slow=True).kind == "fail"
    assert not verdict((100, 0, 0, 0, 2.0, 5.0), quick).is_slow


def test_a_pass_says_what_it_would_have_seen():
    assert verdict((149, 0), (100, 0)).would_have_shown == pytest.approx(0.0199, abs=0.0001)
    assert is_too_quiet(Figures(148), 0.02)
    assert not is_too_quiet(Figures(149), 0.02)


def released(rate, stable_rate, bad_rate, seed, hours=4.0):
    """A canary of 5, 25 and 50 % with so many requests a second, looked at every two minutes: how it ends."""
    draw = random.Random(seed)
    canary, stable, minutes = [0, 0], [0, 0], 0
    for percent in (5, 25, 50):
        since = 0
        while True:
            minutes, since = minutes + 2, since + 2
            requests = int(rate * 120)
            mine = sum(draw.random() < percent / 100 for _ in range(requests))
            canary[0] += mine
            stable[0] += requests - mine
            canary[1] += sum(draw.random() < bad_rate for _ in range(mine))
            stable[1] += sum(draw.random() < stable_rate for _ in range(requests - mine))
            kind = verdict(canary, stable, interval_over=since >= 10).kind
            if kind != "more":
                break
            if minutes > hours * 60:
                return "undecided"
        if kind == "fail":
            return "rolled back"
    return "promoted"


@pytest.mark.parametrize(
    "rate, bad_rate, end, share",
    [(1, 0.005, "promoted", 0.99), (1, 0.1, "rolled back", 1.0), (1, 0.05, "rolled back", 1.0),
     (0.1, 0.005, "undecided", 0.95), (0.1, 1.0, "rolled back", 1.0)],
)  # fmt: skip
def test_how_often_a_canary_ends_as_it_should(rate, bad_rate, end, share):
    runs = 25
    ends = [released(rate, 0.005, bad_rate, seed) for seed in range(runs)]
    assert ends.count(end) / runs >= share - 0.06
