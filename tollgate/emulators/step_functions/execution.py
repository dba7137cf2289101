"""The record of one execution: StartSyncExecution's answer is made from it, and `--verbose` prints it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tollgate.emulators.step_functions.errors import StateError


@dataclass(slots=True)
class StateRun:
    """One state that was entered. Times are seconds since 1970; `attempts` includes retries."""

    name: str
    type: str
    input: Any
    started_s: float
    ended_s: float | None = None
    output: Any = None
    error: StateError | None = None
    attempts: int = 1
    next: str | None = None


@dataclass(slots=True)
class Execution:
    """One run of a state machine. `status` is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""

    arn: str
    name: str
    state_machine_arn: str
    input: Any
    started_s: float
    ended_s: float | None = None
    status: str = "RUNNING"
    output: Any = None
    error: str | None = None
    cause: str | None = None
    states: list[StateRun] = field(default_factory=list)

    def path(self) -> list[str]:
        """The names of the states entered, in order."""
        return [run.name for run in self.states]

    def state(self, name: str) -> StateRun:
        """The last run of a state. Raises KeyError when it was never entered."""
        for run in reversed(self.states):
            if run.name == name:
                return run
        raise KeyError(name)


def iso_time(timestamp: float) -> str:
    """A time as the context object spells it: 2026-11-23T12:00:00.000Z."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
