"""An event loop whose time jumps to the next timer, so that hours of model time pass in moments and always alike."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Waits for nothing but its own timers."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None:
            self._loop.now += timeout
        return super().select(0)


def run(loop: VirtualTimeLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """What the coroutine returns; the loop is closed."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
