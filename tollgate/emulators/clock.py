"""Simulated time, which can run faster than real time.

In it models load, idle and are billed, and state machines wait.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

# A sleeper looks this often (in real seconds) whether the clock was moved meanwhile.
_LONGEST_NAP = 0.1


class Diary(Protocol):
    """What is to happen at certain times."""

    def next_due(self, until: float) -> float | None:
        """When something is due next, if that is not later than `until`."""

    def start_due(self) -> None:
        """Start what is due by now."""


class Clock:
    """A clock whose time passes `speed` times as fast as that of `monotonic`.

    `diary` is asked when the clock is moved, so that nothing that is due is jumped over.
    """

    def __init__(self, speed: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._speed = 1.0
        self._base_now, self._base_monotonic = time.time(), monotonic()
        self.speed = speed
        self.diary: Diary | None = None

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
        """Move the clock forward: at once, or from one due time in the diary to the next.

        Raises:
            ValueError: time does not go back.
        """
        if not seconds >= 0:
            raise ValueError(f"the clock advances by 0 seconds or more, not by {seconds}")
        end = self.now() + seconds
        while self.diary is not None and (due := self.diary.next_due(end)) is not None:
            self._base_now += max(0.0, due - self.now())
            self.diary.start_due()
        self._base_now += max(0.0, end - self.now())

    def wait(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Return when so many seconds of this clock have passed, or as soon as `stop` is set."""
        end = self.now() + seconds
        while (left := end - self.now()) > 0:
            nap = min(left / self._speed, _LONGEST_NAP)
            if stop is None:
                time.sleep(nap)
            elif stop.wait(nap):
                return

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds of this clock have passed."""
        end = self.now() + seconds
        while (left := end - self.now()) > 0:  # noqa: ASYNC110 -- the clock may move in another thread
            await asyncio.sleep(min(left / self._speed, _LONGEST_NAP))
