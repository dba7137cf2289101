"""Standard state machines: executions that run by themselves, for up to a year, and can be looked at and stopped.

https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tollgate.emulators.step_functions.execution import Execution
from tollgate.emulators.step_functions.interpreter import StateMachine

if TYPE_CHECKING:
    from collections.abc import Callable


class ExecutionExistsError(Exception):
    """Raised when an execution of this name exists, which had another input or is over."""


class StandardMachine(StateMachine):
    """A Standard state machine.

        machine = StandardMachine(arn, definition, tasks, clock=clock)
        machine.start({"n": 1}, "release-1", on_end=print)
        machine.executions["release-1"].status

    Attributes:
        executions: all executions by name, which are kept as long as the machine is.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.executions: dict[str, Execution] = {}
        self._stops: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def start(self, data: Any, name: str, on_end: Callable[[Execution], None] | None = None) -> Execution:
        """Start an execution, which runs in a thread; `on_end` is told when it is over.

        The same name with the same input is the same execution while that runs.

        Raises:
            ExecutionExistsError: the name is in use.
        """
        with self._lock:
            earlier = self.executions.get(name)
            if earlier is not None:
                if earlier.status == "RUNNING" and earlier.input == data:
                    return earlier
                raise ExecutionExistsError(name)
            execution = self._new_execution(data, name)
            stop = threading.Event()
            self.executions[name], self._stops[name] = execution, stop
        threading.Thread(target=self._run_and_tell, args=(execution, stop, on_end), daemon=True, name=name).start()
        return execution

    def stop(self, name: str, error: str | None = None, cause: str | None = None) -> Execution:
        """Stop an execution before its next state, or in the middle of a wait; does nothing when it is over.

        Raises:
            KeyError: there is none of this name.
        """
        execution = self.executions[name]
        if execution.status == "RUNNING":
            execution.error, execution.cause = error, cause
            self._stops[name].set()
        return execution

    def stop_all(self) -> None:
        """Stop what runs."""
        for stop in self._stops.values():
            stop.set()

    def _run_and_tell(
        self, execution: Execution, stop: threading.Event, on_end: Callable[[Execution], None] | None
    ) -> None:
        self._run_to_end(execution, stop)
        if on_end is not None:
            on_end(execution)

    def _new_execution(self, data: Any, name: str) -> Execution:
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        return Execution(arn, name, self.arn, data, self._clock.now())
