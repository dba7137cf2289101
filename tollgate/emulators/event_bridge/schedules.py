"""EventBridge Scheduler: starts the targets of schedules when they are due, on the simulated clock."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tollgate.emulators.event_bridge.expressions import due_times
from tollgate.emulators.step_functions.execution import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tollgate.emulators.clock import Clock
    from tollgate.emulators.event_bridge.rules import Targets

_LOOK_S = 0.2
"""Real seconds between two looks at the schedules."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule as it stands; `created` is in seconds since 1970 on the simulated clock."""

    name: str
    expression: str
    timezone: str
    target_arn: str
    input: str
    created: float
    is_deleted_after: bool


class ScheduleBook(Protocol):
    """Where schedules are written down."""

    def schedules(self) -> Iterable[Schedule]:
        """The schedules that are switched on."""

    def delete(self, name: str) -> None:
        """Delete a schedule whose action after completion is that."""


class Schedules:
    """Looks at the schedules a few times a second, and step by step when the clock is moved.

    When the clock moves by a day, everything that is due in this day is started at its own time, one after another.
    """

    def __init__(self, book: ScheduleBook, targets: Targets, clock: Clock) -> None:
        self._book = book
        self._targets = targets
        self._clock = clock
        self._seen_until = clock.now()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        clock.diary = self
        threading.Thread(target=self._look_again_and_again, daemon=True, name="schedules").start()

    def close(self) -> None:
        """Start nothing more."""
        self._ended.set()
        self._clock.diary = None

    def next_due(self, until: float) -> float | None:
        """When something is due next, if that is not later than `until`."""
        soonest = None
        for schedule in self._book.schedules():
            moment = next(self._times(schedule, until), None)
            if moment is not None and (soonest is None or moment < soonest):
                soonest = moment
        return soonest

    def start_due(self) -> None:
        """Start what is due by now."""
        with self._lock:
            now = self._clock.now()
            due = sorted(self._due(now), key=lambda one: one[0])
            self._seen_until = now
        for moment, schedule in due:
            self._targets.start(schedule.target_arn, _input(schedule, moment), str(uuid.uuid4()))
            if schedule.is_deleted_after and schedule.expression.startswith("at("):
                self._book.delete(schedule.name)

    def _due(self, until: float) -> list[tuple[float, Schedule]]:
        found = []
        for schedule in self._book.schedules():
            for moment in self._times(schedule, until):
                found.append((moment, schedule))
        return found

    def _times(self, schedule: Schedule, until: float) -> Iterator[float]:
        # One that was made a moment ago may be due in the moment in which it was made.
        after = max(self._seen_until, schedule.created - 1)
        return due_times(schedule.expression, schedule.timezone, schedule.created, after, until)

    def _look_again_and_again(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.start_due()


def _input(schedule: Schedule, moment: float) -> str:
    """The input with what the scheduler fills in.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    attributes = {
        "<aws.scheduler.execution-id>": str(uuid.uuid4()),
        "<aws.scheduler.scheduled-time>": iso_time(moment),
        "<aws.scheduler.attempt-number>": "1",
    }
    text = schedule.input
    for name, value in attributes.items():
        text = text.replace(name, value)
    return text
