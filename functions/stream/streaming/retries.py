"""Decides which failed invocations are tried again, and after how long (decision 62)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tollgate_layer.inference.failures.errors import ApiError


class Backoff(NamedTuple):
    """How long to wait between attempts, in seconds: exponential backoff with full jitter.

    The n-th wait is a random time between 0 and `first_wait_s` · 2ⁿ⁻¹, or `longest_wait_s` if that is less.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    first_wait_s: float
    longest_wait_s: float


# Failures that may pass by themselves; no other is tried again. A throttled model is not among them: its client has
# to slow down, and hears so at once. How often each is tried is `attempts` in the table of errors.
BACKOFFS = {
    # Loading a model takes tens of seconds to minutes; each attempt also keeps Bedrock loading it.
    "model_not_ready": Backoff(first_wait_s=1.0, longest_wait_s=8.0),
    "model_unavailable": Backoff(first_wait_s=0.2, longest_wait_s=2.0),
}


class Retries:
    """Counts the attempts of one request and waits between them; all waits together take at most `limit_s`.

    Example::

        retries = Retries(limit_s=300)
        while True:
            try:
                return await model.invoke(invocation)
            except ApiError as failure:
                await retries.wait(failure)
    """

    def __init__(
        self,
        limit_s: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._deadline = self._clock() + limit_s
        self._failures: dict[str, int] = {}
        self._not_ready: ApiError | None = None

    @property
    def attempts(self) -> int:
        """The number of invocations so far, including the one under way."""
        return 1 + sum(self._failures.values())

    def answered(self) -> None:
        """Note that the model has begun to answer: it is ready."""
        self._not_ready = None

    def when_time_is_up(self) -> ApiError:
        """The failure to report when the time for the whole request ends during an attempt.

        A model that was not ready at an earlier attempt, and has not answered since, is still being loaded (decision
        72); else it is too slow.
        """
        return self._not_ready or ApiError("timeout")

    async def wait(self, failure: ApiError) -> None:
        """Wait until it is time for the next attempt.

        Raises:
            ApiError: `failure` itself, if there is to be no further attempt.
        """
        if failure.code == "model_not_ready":
            self._not_ready = failure
        backoff = BACKOFFS.get(failure.code)
        failures = self._failures.get(failure.code, 0) + 1
        remaining_s = self._deadline - self._clock()
        if backoff is None or failures >= failure.kind.attempts or remaining_s <= 0:
            raise failure
        self._failures[failure.code] = failures
        longest_s = min(backoff.first_wait_s * 2 ** (failures - 1), backoff.longest_wait_s)
        wait_s = random.uniform(0, longest_s)  # noqa: S311 -- spreads clients over time, protects nothing
        # A wait is cut at the deadline, not given up: the time that is left is worth one last attempt.
        await self._sleep(min(wait_s, remaining_s))
