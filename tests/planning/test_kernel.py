"""The fast simulation says what the embedded Bedrock's own copies do, and agrees with closed forms."""

from __future__ import annotations

import asyncio
import random

import pytest

from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.life import Life
from tollgate.emulators.bedrock.profiles import Profile, profile
from tollgate.emulators.clock import Clock
from tollgate.emulators.virtual_time import VirtualTimeLoop, run
from tollgate.planning.copies import Arrival
from tollgate.planning.kernel import RETRY_S, Kernel


async def by_life(arrivals, chosen, loop):
    """What `Life` makes of a load: windows, requests that found it cold, those that were throttled, latencies."""
    clock = Clock(monotonic=loop.time)
    clock._base_now = 0.0  # the kernel's time begins at 0
    life = Life(chosen, clock)
    latencies, cold, throttled = [], 0, 0

    async def client(arrival):
        nonlocal cold, throttled
        await clock.sleep(arrival.at - clock.now())
        was_cold = False
        while True:
            try:
                async with life.place() as copy:
                    await life.prefill(arrival.prompt_tokens)
                    for _ in range(arrival.completion_tokens):
                        await life.decode(copy)
                break
            except ServiceError as error:
                if error.code == "ThrottlingException":
                    throttled += 1
                    return
                was_cold = True
                await clock.sleep(RETRY_S)
        cold += was_cold
        latencies.append(clock.now() - arrival.at)

    await asyncio.gather(*(client(arrival) for arrival in arrivals))
    return life.windows_billed(), cold, throttled, sorted(latencies)


def trace(dice):
    """A random load: trickles, crowds, and pauses longer than the idle time."""
    arrivals, now = [], 0.0
    for _ in range(dice.randrange(2, 12)):
        now += dice.choice([0.1, 2, 10, 60]) * dice.random()
        for _ in range(dice.choice([1, 1, 2, 20])):
            arrivals.append(Arrival(now, dice.randrange(500), dice.randrange(1, 60)))
            now += dice.random() * 0.5
    return arrivals


@pytest.mark.parametrize("seed", range(40))
def test_both_kernels_say_the_same_of_a_random_trace(seed):
    dice = random.Random(seed)
    arrivals = trace(dice)
    chosen = Profile(
        cold_start_seconds=dice.choice([0, 5, 20]),
        idle_seconds=dice.choice([10, 30]),
        max_copies=dice.choice([1, 3, 4]),
        concurrency_per_copy=dice.choice([1, 4, 32]),
        scale_out_above=dice.choice([1, 3, 12]),
        scale_out_seconds=dice.choice([0, 2, 10]),
        queue_seconds=dice.choice([0, 1, 60]),
        prefill_seconds_per_token=dice.choice([0, 0.0002]),
        decode_seconds_per_token=dice.choice([0, 0.026]),
        slowdown_per_neighbour=dice.choice([0, 0.05]),
    )
    loop = VirtualTimeLoop()

    windows, cold, throttled, latencies = run(loop, by_life(arrivals, chosen, loop))
    outcome = Kernel(chosen).run(arrivals)

    assert (outcome.windows, outcome.cold, outcome.throttled) == (windows, cold, throttled)
    assert sorted(outcome.latencies) == pytest.approx(latencies, abs=1e-6)


def windows_of(every_s, hours, **changes):
    arrivals = [Arrival(number * every_s, 100, 100) for number in range(int(hours * 3600 / every_s))]
    chosen = profile("case-study")
    for name, value in changes.items():
        setattr(chosen, name, value)
    return Kernel(chosen).run(arrivals).windows


def test_a_request_every_ten_minutes_is_six_windows_an_hour_and_one_every_four_is_twelve():
    assert windows_of(600, 1) == 6
    assert windows_of(240, 1) == pytest.approx(12, abs=1)


def test_a_batch_of_a_thousand_is_three_windows():
    chosen = profile("case-study")
    arrivals = [Arrival(0, 500, 200) for _ in range(1000)]

    outcome = Kernel(chosen, most_at_once=int(chosen.scale_out_above)).run(arrivals)

    assert outcome.windows == 3
    assert outcome.requests == 1000


def test_nothing_comes_of_nothing():
    outcome = Kernel(profile("case-study")).run([])

    assert (outcome.requests, outcome.windows, outcome.copies) == (0, 0, [])


def test_pings_keep_a_model_warm_and_are_nobodys_requests():
    arrivals = [Arrival(at, 0, 1, is_ping=True) for at in range(0, 7200, 240)]
    arrivals = sorted([*arrivals, Arrival(3601, 100, 100), Arrival(7100, 100, 100)])

    outcome = Kernel(profile("case-study")).run(arrivals)

    assert (outcome.requests, outcome.cold) == (2, 0)
