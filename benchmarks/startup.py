"""Start-up: fresh processes that import a handler, as multiples of a bare interpreter in the same run.

Rounds are interleaved, so that a busy moment of the machine meets every start alike; a multiple is of one round.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.figures import Figure, figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.interpreter import Cost, Interpreter

BARE = "bare interpreter"


class Start(NamedTuple):
    """What a fresh process imports, and from where."""

    name: str
    code: str
    path: tuple[Path, ...] = ()


class Startup(NamedTuple):
    """What a start cost: `multiple` of the bare interpreter's time, `cpu_multiple` of its CPU time, MiB at its peak."""

    name: str
    multiple: Figure
    cpu_multiple: Figure
    milliseconds: Figure
    memory_mib: float


def measure(interpreter: Interpreter, starts: Sequence[Start], rounds: int) -> list[Startup]:
    """Each start, and the bare interpreter before them, in their order.

    Raises:
        ProcessError: a start ended with an error.
    """
    every = [Start(BARE, "pass"), *starts]
    costs = interleave(interpreter, every, rounds)
    bare = costs[BARE]
    return [
        Startup(
            start.name,
            multiple=figure([cost.wall / base.wall for cost, base in zip(costs[start.name], bare, strict=True)]),
            cpu_multiple=figure([cost.cpu / base.cpu for cost, base in zip(costs[start.name], bare, strict=True)]),
            milliseconds=figure([cost.wall * 1000 for cost in costs[start.name]]),
            memory_mib=interpreter.peak_memory(start.code, start.path),
        )
        for start in every
    ]


def interleave(interpreter: Interpreter, starts: Sequence[Start], rounds: int) -> dict[str, list[Cost]]:
    """What each start cost in each round; the order changes from round to round, and one round warms the caches."""
    order = list(starts)
    shuffle = random.Random(0).shuffle
    costs: dict[str, list[Cost]] = {start.name: [] for start in starts}
    for _ in range(rounds + 1):
        shuffle(order)
        for start in order:
            costs[start.name].append(interpreter.cost(start.code, start.path))
    return {name: every[1:] for name, every in costs.items()}
