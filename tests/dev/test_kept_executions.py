"""The runner keeps the latest executions within a bound of memory."""

from __future__ import annotations

import sys

from tollgate.dev.kept_executions import KeptExecutions, size_in_memory
from tollgate.emulators.step_functions import Execution
from tollgate.emulators.step_functions.execution import StateRun


def _execution(name, text):
    execution = Execution("arn", name, "machine", {"body": text}, started_s=0)
    # A state's input is the same object as the execution's, and takes no memory of its own.
    execution.states.append(StateRun("First", "Pass", execution.input, started_s=0))
    return execution


def test_only_so_many_are_kept():
    kept = KeptExecutions(most=3)
    for number in range(5):
        kept.append(_execution(str(number), "x"))

    assert [execution.name for execution in kept] == ["2", "3", "4"]
    assert (len(kept), kept[-1].name) == (3, "4")


def test_only_so_many_bytes_are_kept_but_the_newest_always():
    kept = KeptExecutions(most_bytes=5000)
    for number in range(9):
        kept.append(_execution(str(number), "x" * 1000))
    assert [execution.name for execution in kept] == ["6", "7", "8"]

    kept.append(_execution("large", "x" * 100_000))
    assert [execution.name for execution in kept] == ["large"]
    kept.append(_execution("small", "x"))
    assert [execution.name for execution in kept] == ["small"]


def test_nested_values_count_as_the_objects_that_they_are():
    nested: list = []
    for _ in range(10_000):
        nested = [nested]

    assert size_in_memory(nested) > 10_000 * sys.getsizeof([])
    assert size_in_memory([nested, nested]) < 1.01 * size_in_memory(nested)


def test_clearing_forgets_sizes_too():
    kept = KeptExecutions(most_bytes=3000)
    kept.append(_execution("a", "x" * 2000))
    kept.clear()
    kept.append(_execution("b", "x"))
    kept.append(_execution("c", "x"))

    assert [execution.name for execution in kept] == ["b", "c"]
