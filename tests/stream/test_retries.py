"""Which failures are tried again, how often, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from streaming.retries import Retries
from tollgate_layer.inference.failures.errors import ERRORS, ApiError


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def exhaust(code: str, limit_s: float = 300, attempts: int = 10_000) -> tuple[Clock, int]:
    """Fail until there is no next attempt."""
    clock = Clock()
    retries = Retries(limit_s, sleep=clock.sleep, clock=clock)

    async def fail():
        for _ in range(attempts):
            await retries.wait(ApiError(code))

    with pytest.raises(ApiError) as caught:
        asyncio.run(fail())
    assert caught.value.code == code
    return clock, retries.attempts


def test_a_cold_model_is_waited_for_until_the_limit():
    clock, attempts = exhaust("model_not_ready", 300)

    assert 280 < clock.now <= 300
    assert attempts > 300 / 8
    assert max(clock.waits) <= 8


def test_waits_grow_and_are_random():
    clock, _ = exhaust("model_not_ready", 300)

    assert clock.waits[0] <= 1
    assert clock.waits[1] <= 2
    assert max(clock.waits[5:]) > 4
    assert len(set(clock.waits)) == len(clock.waits)


def test_a_transient_failure_has_three_attempts():
    clock, attempts = exhaust("model_unavailable")

    assert attempts == 3
    assert clock.now < 1


@pytest.mark.parametrize("code", sorted(set(ERRORS) - {"model_not_ready", "model_unavailable"}))
def test_no_other_failure_is_tried_again(code):
    clock, attempts = exhaust(code)

    assert (attempts, clock.waits) == (1, [])


def test_nothing_is_waited_for_beyond_the_limit():
    clock, attempts = exhaust("model_not_ready", limit_s=0)

    assert (attempts, clock.waits) == (1, [])
