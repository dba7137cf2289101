"""When a phase begins to count."""

from __future__ import annotations

import pytest

from tollgate.measuring.copies import CopyCount, CopyLog
from tollgate.measuring.figures import Sample
from tollgate.measuring.warm_up import FixedWarmUp, UntilSteady


def ended_at(rounds, *, clients=4, copies=None, is_imported=False, round_s=10.0):
    """When a warm-up is over, of rounds that take ten seconds each: `rounds` are mean latencies, or failures' codes.

    `copies` are the counts that are noted with each round; None where nobody tells them.
    """
    log = CopyLog("known")
    warm_up = UntilSteady(clients, log, lambda text: None, is_imported=is_imported)
    now = 0.0
    for number, latency in enumerate(rounds):
        if copies is not None:
            log.note(now, CopyCount(*copies[min(number, len(copies) - 1)]))
        now += round_s
        code = latency if isinstance(latency, str) else ""
        for _ in range(max(2 * clients, 4)):
            if warm_up.is_over(now, Sample(0.0, 0.0 if code else latency, code=code)):
                return now
    return None


def test_two_alike_rounds_are_enough_where_no_copy_can_come():
    assert ended_at([1.0, 1.1]) == 20
    assert ended_at([5.0, 1.0, 1.1, 1.0]) == 40
    assert ended_at([1.0, 1.0], clients=1, copies=[(1,)]) == 20


def test_several_clients_of_a_model_with_copies_wait_a_minute_after_the_last_change():
    assert ended_at([1.0] * 30, copies=[(1,)]) == 70
    # A copy that loads for three rounds, and then serves.
    assert ended_at([1.0] * 30, copies=[(1,), (1, 1), (1, 1), (1, 1), (2,)]) == 50 + 60


def test_where_copies_are_not_seen_it_takes_three_minutes():
    assert ended_at([1.0] * 30, is_imported=True) == 10 + 180


def test_one_odd_round_is_chance_and_two_are_another_pace():
    assert ended_at([1.0, 1.0, 3.0, *[1.0] * 30], copies=[(1,)]) == 70
    assert ended_at([1.0, 1.0, 3.0, *[3.0] * 30], copies=[(1,)]) == 40 + 60


def test_a_cold_model_is_waited_for_and_one_that_fails_is_not():
    assert ended_at(["model_not_ready"] * 5 + [1.0] * 30, copies=[(0, 1)] * 5 + [(1,)]) == 60 + 60
    assert ended_at(["model_error"] * 30) == 30


def test_it_gives_up_after_a_quarter_of_an_hour():
    paces = [1.0, 2.0] * 100

    assert ended_at(paces, copies=[(1, 1)]) == 900


@pytest.mark.parametrize("now, is_over", [(4.9, False), (5.0, True)])
def test_a_fixed_warm_up_lasts_so_many_seconds(now, is_over):
    assert FixedWarmUp(5).is_over(now, Sample(0.0, 1.0)) is is_over
