"""The life of a model's copies, on a clock that jumps: model cold starts, idleness, load, and what is billed."""

from __future__ import annotations

import asyncio

import pytest

from tollgate.emulators.bedrock import Bedrock
from tollgate.emulators.bedrock.billing import cost
from tollgate.emulators.bedrock.control import describe
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.invocation import Invocation
from tollgate.emulators.bedrock.profiles import PROFILES, Profile, profile
from tollgate.emulators.clock import Clock
from tollgate.emulators.virtual_time import VirtualTimeLoop, run

SLOW = Profile(
    cold_start_seconds=60,
    idle_seconds=300,
    max_copies=2,
    concurrency_per_copy=2,
    scale_out_above=1,
    scale_out_seconds=10,
    queue_seconds=20,
    decode_seconds_per_token=1,
)


class Scene:
    """One model that lives by a profile in virtual time."""

    def __init__(self, loop: VirtualTimeLoop, life: Profile) -> None:
        self.bedrock = Bedrock(clock=Clock(monotonic=loop.time))
        self.bedrock.profile = life
        self.bedrock.register("model")
        self.model = self.bedrock.model("model")
        self.clock = self.bedrock.clock

    async def invoke(self, words: int = 1) -> str:
        """The finish reason, or the error's code; takes one token more than it has words."""
        try:
            await Invocation(self.model, {"prompt": "word " * words, "max_tokens": words + 1}).whole_answer()
        except ServiceError as error:
            return error.code
        return "stop"

    async def warm_up(self) -> None:
        await self.invoke()
        await self.clock.sleep(61)

    def copies(self) -> int:
        return len(self.model.life.copies())


def in_virtual_time(play, life: Profile = SLOW):
    loop = VirtualTimeLoop()
    return run(loop, play(Scene(loop, life)))


def test_the_first_call_starts_a_copy_and_is_refused_until_it_is_ready():
    async def play(scene):
        assert scene.copies() == 0
        assert await scene.invoke() == "ModelNotReadyException"
        await scene.clock.sleep(30)
        assert await scene.invoke() == "ModelNotReadyException"
        await scene.clock.sleep(31)
        assert await scene.invoke() == "stop"
        assert scene.copies() == 1

    in_virtual_time(play)


def test_a_model_that_nobody_calls_loses_its_copies_and_is_cold_again():
    async def play(scene):
        await scene.warm_up()
        await scene.invoke()
        await scene.clock.sleep(299)
        assert scene.copies() == 1
        await scene.clock.sleep(2)
        assert scene.copies() == 0
        assert await scene.invoke() == "ModelNotReadyException"

    in_virtual_time(play)


def test_a_long_answer_does_not_count_as_idleness():
    async def play(scene):
        await scene.warm_up()
        assert await scene.invoke(words=900) == "stop"
        assert scene.copies() == 1

    in_virtual_time(play)


def test_a_copy_is_added_under_lasting_load_and_removed_after_it():
    async def play(scene):
        await scene.warm_up()
        callers = [asyncio.ensure_future(scene.invoke(words=200)) for _ in range(2)]
        await scene.clock.sleep(1)
        assert scene.copies() == 1
        await scene.clock.sleep(11)
        assert scene.copies() == 2
        await asyncio.gather(*callers)
        for _ in range(40):
            await scene.invoke(words=9)
        assert scene.copies() == 1

    in_virtual_time(play)


def test_invocations_beyond_a_copys_concurrency_wait_and_are_throttled_when_that_takes_too_long():
    async def play(scene):
        await scene.warm_up()
        long = [asyncio.ensure_future(scene.invoke(words=9)) for _ in range(2)]
        await scene.clock.sleep(0.5)
        assert await scene.invoke() == "stop"
        await asyncio.gather(*long)
        longer = [asyncio.ensure_future(scene.invoke(words=40)) for _ in range(2)]
        await scene.clock.sleep(0.5)
        assert await scene.invoke() == "ThrottlingException"
        await asyncio.gather(*longer)

    in_virtual_time(play, Profile(concurrency_per_copy=2, queue_seconds=20, decode_seconds_per_token=1))


def test_windows_are_billed_whole_from_the_first_invocation_on_and_only_when_used():
    async def play(scene):
        await scene.warm_up()
        assert scene.model.life.windows_billed() == 0
        await scene.invoke()
        await scene.invoke()
        assert scene.model.life.windows_billed() == 1
        await scene.clock.sleep(300)
        scene.model.life.copies()
        assert scene.model.life.windows_billed() == 1
        await scene.warm_up()
        await scene.invoke()
        await scene.clock.sleep(290)
        await scene.invoke(words=20)
        assert scene.model.life.windows_billed() == 3
        state = describe(scene.bedrock, scene.model)
        assert state["windows_billed"] == 3
        assert state["cost_usd"] == pytest.approx(3 * 5 * 0.05718, abs=1e-4)

    in_virtual_time(play)


def test_a_window_of_two_units_costs_what_the_price_list_says():
    assert cost(windows=1, custom_model_units=2) == pytest.approx(0.5718)


def test_time_spent_on_a_token_grows_with_the_neighbours_on_the_copy():
    async def play(scene):
        begin = scene.clock.now()
        await asyncio.gather(*(scene.invoke(words=9) for _ in range(3)))
        return scene.clock.now() - begin

    life = Profile(decode_seconds_per_token=1, slowdown_per_neighbour=0.5)
    assert in_virtual_time(play, life) == pytest.approx(20, abs=1.5)


def test_reading_a_long_prompt_takes_its_time():
    async def play(scene):
        begin = scene.clock.now()
        await scene.invoke(words=1000)
        return scene.clock.now() - begin

    assert in_virtual_time(play, Profile(prefill_seconds_per_token=0.01)) == pytest.approx(10, abs=0.01)


def test_the_instant_profile_waits_for_nothing():
    async def play(scene):
        begin = scene.clock.now()
        assert await asyncio.gather(*(scene.invoke() for _ in range(100))) == ["stop"] * 100
        return scene.clock.now() - begin

    assert in_virtual_time(play, PROFILES["instant"]) == 0


def test_an_unknown_profile_is_refused_by_name():
    with pytest.raises(ValueError, match="'hasty' is not one of instant, case-study"):
        profile("hasty")


def test_the_clock_runs_faster_and_jumps_but_never_back():
    seconds = [0.0]
    clock = Clock(monotonic=lambda: seconds[0])
    start = clock.now()
    clock.speed = 60
    seconds[0] = 2
    assert clock.now() - start == pytest.approx(120)
    clock.advance(300)
    assert clock.now() - start == pytest.approx(420)
    with pytest.raises(ValueError, match="-1"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="positive"):
        clock.speed = 0
