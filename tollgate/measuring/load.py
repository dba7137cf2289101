"""Puts a load on a target: clients that wait for answers, or requests that come when they come.

In a closed loop a slow answer keeps its client from asking, so that stalls are seen once, and tails look short. In an
open loop each request is due at a time of its own, and its latency counts from then, however late it was sent.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tollgate.measuring.figures import Sample, seconds_per_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tollgate.measuring.targets import Prompt, Target
    from tollgate.measuring.warm_up import WarmUp

_PAUSE_AFTER_FAILURE_S = 5.0


class _Stopwatch:
    """The times of one request, on the loop's clock."""

    def __init__(self, due: float, now: Callable[[], float]) -> None:
        self.due = due
        self.first_at: float | None = None
        self._now = now

    def first(self) -> None:
        self.first_at = self._now()


class Load:
    """Asks a target the given prompts, and keeps the samples of the phase that is under way."""

    def __init__(
        self, target: Target, prompts: Iterator[Prompt], report: Callable[[list[Sample], float], None]
    ) -> None:
        self._target = target
        self._prompts = prompts
        self._report = report
        self.samples: list[Sample] = []
        """What counts of the phase that is under way."""
        self.answers = 0
        """All answers from the phase's begin to its end, also to requests beside those that count: its rate."""
        self.paces: list[tuple[float, float]] = []
        """Of all answers, those of the warm-up too: when they ended, and their seconds per token."""
        self.begun = 0.0
        """When it began to count, on the loop's clock."""
        self.cold_start_s: float | None = None
        """From the first request that found the model cold to the first answer behind it; None of a warm model."""
        self._cold_at: float | None = None
        self._warm_up: WarmUp | None = None
        self._first_at = 0.0
        self._sent = 0

    async def closed(self, clients: int, requests: int, warm_up: WarmUp | None = None) -> float:
        """So many clients, each of which waits for its answer; returns the seconds until `requests` were answered.

        The first so many requests that are sent after the warm-up count, however long each takes: those that end first
        would be short ones. Until the last of them has ended all clients go on, so that each finds the same load.
        """
        now = asyncio.get_running_loop().time
        self.samples, self.begun, self.answers = [], now(), 0
        self._warm_up, self._first_at, self._sent = warm_up, now(), 0
        await asyncio.gather(*(self._client(requests, now) for _ in range(clients)))
        ends = [sample.at + sample.total_s for sample in self.samples]
        return max(ends, default=0.0)

    async def _client(self, requests: int, now: Callable[[], float]) -> None:
        while len(self.samples) < requests:
            counts = self._warm_up is None and self._sent < requests
            self._sent += counts
            sample = await self._ask(now(), now)
            if self._warm_up is not None:
                if self._warm_up.is_over(now() - self._first_at, sample):
                    self._warm_up, self.begun = None, now()
            elif len(self.samples) < requests:
                self.answers += not sample.code
                if counts:
                    self._note(sample, now)
            if sample.code:
                await asyncio.sleep(_PAUSE_AFTER_FAILURE_S if sample.code == "model_not_ready" else 0.1)

    async def open(self, times: Sequence[float]) -> float:
        """A request at each of these times, in seconds from now; returns the seconds until the last is answered."""
        now = asyncio.get_running_loop().time
        self.samples, self.begun, self.answers = [], now(), 0
        tasks = []
        for at in times:
            due = self.begun + at
            if due > now():
                await asyncio.sleep(due - now())
            tasks.append(asyncio.create_task(self._due(due, now)))
        await asyncio.gather(*tasks)
        return now() - self.begun

    async def _due(self, due: float, now: Callable[[], float]) -> None:
        sample = await self._ask(due, now)
        self.answers += not sample.code
        self._note(sample, now)

    async def _ask(self, due: float, now: Callable[[], float]) -> Sample:
        watch = _Stopwatch(due, now)
        answer = await self._target.ask(next(self._prompts), watch)
        first_s = None if watch.first_at is None else watch.first_at - due
        sample = Sample(due - self.begun, now() - due, first_s, answer.completion_tokens, answer.code)
        token_s = seconds_per_token(sample)
        if token_s is not None:
            self.paces.append((now(), token_s))
        if answer.code == "model_not_ready" and self._cold_at is None:
            self._cold_at = due
        elif not answer.code and self._cold_at is not None and self.cold_start_s is None:
            self.cold_start_s = now() - self._cold_at
        return sample

    def _note(self, sample: Sample, now: Callable[[], float]) -> None:
        self.samples.append(sample)
        self._report(self.samples, now() - self.begun)


def poisson(per_second: float, requests: int, seed: int = 1) -> list[float]:
    """Times at which requests come by chance, so many a second on average."""
    dice = random.Random(seed)  # noqa: S311 -- draws pauses, protects nothing
    times, now = [], 0.0
    for _ in range(requests):
        now += dice.expovariate(per_second)
        times.append(now)
    return times
