"""Simulated time, which can run faster than real time.

In it models load, idle and are billed, and state machines wait.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A sleeper looks this often (in real seconds) whether the clock was moved meanwhile.
_LONGEST_NAP = 0.1


class Clock:
    """A clock whose time passes `speed` times as fast as that of `monotonic`."""

    def __init__(self, speed: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._speed = 1.0
        self._base_now, self._base_monotonic = time.time(), monotonic()
        self.speed = speed

    def now(self) -> float:
        """Seconds since 1970."""
        return self._base_now + (self._monotonic() - self._base_monotonic) * self._speed

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        """Change the speed; raises ValueError unless it is positive."""
        if not speed > 0:
            raise ValueError(f"the clock's speed must be positive, not {speed}")
        self._base_now, self._base_monotonic = self.now(), self._monotonic()
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once.

        Raises:
            ValueError: time does not go back.
        """
        if not seconds >= 0:
            raise ValueError(f"the clock advances by 0 seconds or more, not by {seconds}")
        self._base_now += seconds

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds of this clock have passed."""
        end = self.now() + seconds
        while (left := end - self.now()) > 0:  # noqa: ASYNC110 -- the clock may move in another thread
            await asyncio.sleep(min(left / self._speed, _LONGEST_NAP))
