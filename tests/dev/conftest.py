"""The stack that tests of the runner and of the emulators run, and how they wait for it."""

from __future__ import annotations

import time
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
STACK = FIXTURES / "stack"


def eventually(condition, within_s: float = 3.0) -> None:
    """Wait until a condition holds, and fail when it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
