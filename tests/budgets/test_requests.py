"""What must hold of the cost of a request on any machine: it grows no faster than the chat, and memory stays."""

from __future__ import annotations

from contextlib import redirect_stdout

import pytest

from benchmarks.handlers import KINDS, NOWHERE, Handlers
from benchmarks.memory import measure
from benchmarks.requests import best_ms

SLACK = 1.5


@pytest.fixture(scope="module")
def handlers():
    with redirect_stdout(NOWHERE):
        yield Handlers.load()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.answer)
def test_a_chat_of_twice_the_size_costs_at_most_twice_as_much(handlers, kind):
    # GIVEN chats of 100 KB and of 200 KB
    with redirect_stdout(NOWHERE):
        small, large = (best_ms(handlers, kind, size) for size in (100_000, 200_000))

    # THEN the larger costs twice as much, not four times
    assert large <= 2 * small * SLACK


def test_memory_stays_the_same_over_thousands_of_requests():
    held = measure(5_000)
    assert held.late_mib - held.early_mib < 1
