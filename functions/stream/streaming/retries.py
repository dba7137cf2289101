"""Which failed invocations are tried again, and after how long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tollgate_layer.inference.failures.errors import ApiError


class Policy(NamedTuple):
    """How long to wait after one kind of failure; how often it is tried, the table of errors says.

    The n-th wait is random, up to `first_wait_s` · 2ⁿ⁻¹, at most `longest_wait_s`.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (full jitter)
    """

    first_wait_s: float
    longest_wait_s: float


# A cold model takes tens of seconds to minutes; every attempt also keeps its loading going.
POLICIES = {
    "model_not_ready": Policy(first_wait_s=1.0, longest_wait_s=8.0),
    "model_unavailable": Policy(first_wait_s=0.2, longest_wait_s=2.0),
}


class Retries:
    """Of one request: counts its attempts, and waits between them for `limit_s` at most in all."""

    def __init__(
        self,
        limit_s: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._until = self._clock() + limit_s
        self._failures: dict[str, int] = {}

    @property
    def attempts(self) -> int:
        """Invocations so far, the one under way included."""
        return 1 + sum(self._failures.values())

    async def wait(self, failure: ApiError) -> None:
        """Return when it is time for the next attempt.

        Raises:
            ApiError: `failure`, when there is to be none.
        """
        policy = POLICIES.get(failure.code)
        failed = self._failures.get(failure.code, 0) + 1
        if policy is None or failed >= failure.kind.attempts:
            raise failure
        wait_s = random.uniform(0, min(policy.longest_wait_s, policy.first_wait_s * 2 ** min(failed - 1, 30)))  # noqa: S311
        left_s = self._until - self._clock()
        if left_s <= 0:
            raise failure
        self._failures[failure.code] = failed
        await self._sleep(min(wait_s, left_s))
