"""The latest executions of the state machines, as many as fit into a bound of memory."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tollgate.emulators.step_functions import Execution

_MOST = 200
_MOST_BYTES = 32 << 20


class KeptExecutions:
    """Executions, oldest first. The newest one is kept whatever its size."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: deque[tuple[Execution, int]] = deque()
        self._bytes = 0

    def append(self, execution: Execution) -> None:
        """Add an execution, and drop the oldest ones that are too many or too large."""
        values: list[Any] = [execution.input, execution.output]
        for run in execution.states:
            values += [run.input, run.output]
        size = size_in_memory(values)
        self._kept.append((execution, size))
        self._bytes += size
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._bytes > self._most_bytes):
            _, dropped = self._kept.popleft()
            self._bytes -= dropped

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Execution]:
        return iter([execution for execution, _ in self._kept])

    def __getitem__(self, index: int) -> Execution:
        return self._kept[index][0]


def size_in_memory(value: Any) -> int:
    """The bytes that a JSON value takes as Python objects, each counted once however often it is held."""
    size, seen, waiting = 0, set(), [value]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        size += sys.getsizeof(item)
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return size
