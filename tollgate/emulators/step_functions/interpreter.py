"""Runs executions of a state machine, state by state."""

from __future__ import annotations

import random
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.emulators.clock import Clock
from tollgate.emulators.step_functions.data_limit import check_size
from tollgate.emulators.step_functions.errors import (
    NO_CHOICE_MATCHED,
    RUNTIME,
    TIMEOUT,
    ExecutionStoppedError,
    ExecutionTimedOutError,
    StateError,
    matches,
)
from tollgate.emulators.step_functions.execution import Execution, StateRun, iso_time
from tollgate.emulators.step_functions.expressions import EVALUATION_LIMIT_MS, evaluate
from tollgate.emulators.step_functions.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.emulators.step_functions.definition import StateMachineDefinition


class TaskHandler(Protocol):
    """A service integration: runs a task with its arguments within `timeout_s`, and returns its result.

    Raises:
        StateError: the service's error, by its name.
        AttributeError, KeyError, TypeError: the arguments have another shape than the service takes.
        TimeoutError: the time is over.
    """

    def __call__(self, arguments: Any, timeout_s: float) -> Any: ...


@dataclass(slots=True)
class _Run:
    """The state of one execution while it runs."""

    execution: Execution
    context: dict[str, Any]
    deadline_s: float
    stop: threading.Event
    variables: dict[str, Any] = field(default_factory=dict)

    def bindings(self, data: Any, **more: Any) -> dict[str, Any]:
        return {**self.variables, "states": {"input": data, "context": self.context, **more}}


class StateMachine:
    """A checked definition with the integrations that its tasks call.

        machine = StateMachine(arn, load_definition(text, {}, {LAMBDA_INVOKE}, "m"), {LAMBDA_INVOKE: invoke})
        machine.start_sync({"n": 1}).output

    `clock` is the machine's time, which may pass faster than real time, and be moved. Tests replace `sleep`, which
    takes real seconds, `jitter`, which makes the wait of JitterStrategy FULL from the longest wait in seconds, and
    `expression_limit_ms`, the longest that one expression may take.
    """

    def __init__(
        self,
        arn: str,
        definition: StateMachineDefinition,
        tasks: dict[str, TaskHandler],
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], None] | None = None,
        jitter: Callable[[float], float] = lambda seconds: random.uniform(0, seconds),  # noqa: S311
        expression_limit_ms: int = EVALUATION_LIMIT_MS,
    ) -> None:
        self.arn = arn
        self.name = arn.rsplit(":", 1)[1]
        self._definition = definition
        self._tasks = tasks
        self._clock = clock or Clock()
        self._sleep = sleep
        self._jitter = jitter
        self._expression_limit_ms = expression_limit_ms

    def now(self) -> float:
        """The machine's time, in seconds since 1970."""
        return self._clock.now()

    def start_sync(self, data: Any, name: str | None = None) -> Execution:
        """Run one execution to its end; a failure is in the execution, not raised."""
        execution = self._new_execution(data, name or str(uuid.uuid4()))
        self._run_to_end(execution, threading.Event())
        return execution

    def _run_to_end(self, execution: Execution, stop: threading.Event) -> None:
        """Run an execution until it ends, or `stop` is set."""
        data = execution.input
        deadline_s = self._clock.now() + self._definition.timeout_s
        run = _Run(execution, self._context(execution), deadline_s, stop)
        try:
            execution.output = self._run(run, data)
            execution.status = "SUCCEEDED"
        except ExecutionStoppedError:
            execution.status = "ABORTED"
        except ExecutionTimedOutError:
            execution.status, execution.error, execution.cause = "TIMED_OUT", TIMEOUT, ""
        except StateError as error:
            execution.status, execution.error, execution.cause = "FAILED", error.error, error.cause
        except RecursionError:
            # Python's own depth, which nothing here should reach: data is bounded where it comes in (results.py).
            execution.status, execution.error, execution.cause = "FAILED", RUNTIME, "The data is nested too deeply."
        execution.ended_s = self._clock.now()

    def _new_execution(self, data: Any, name: str) -> Execution:
        arn = f"{self.arn.replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}"
        return Execution(arn, name, self.arn, data, self._clock.now())

    def _context(self, execution: Execution) -> dict[str, Any]:
        return {
            "Execution": {
                "Id": execution.arn,
                "Input": execution.input,
                "Name": execution.name,
                "RedriveCount": 0,
                "StartTime": iso_time(execution.started_s),
            },
            "StateMachine": {"Id": self.arn, "Name": self.name},
        }

    def _run(self, run: _Run, data: Any) -> Any:
        name: str | None = self._definition.start_at
        while name is not None:
            self._check_time(run)
            data, name = self._enter(run, name, data)
        return data

    def _enter(self, run: _Run, name: str, data: Any) -> tuple[Any, str | None]:
        state = self._definition.states[name]
        record = StateRun(name, state["Type"], data, self._clock.now())
        run.execution.states.append(record)
        run.context["State"] = {"Name": name, "EnteredTime": iso_time(record.started_s), "RetryCount": 0}
        try:
            record.output, record.next = self._attempt_until_done(run, record, state, data)
        except StateError as error:
            record.error = error
            raise
        finally:
            record.ended_s = self._clock.now()
        return record.output, record.next

    def _attempt_until_done(
        self, run: _Run, record: StateRun, state: dict[str, Any], data: Any
    ) -> tuple[Any, str | None]:
        retries = Retries(state.get("Retry", []), self._jitter)
        while True:
            try:
                return self._attempt(run, state, data)
            except StateError as error:
                wait_s = retries.wait_seconds(error)
                if wait_s is None:
                    record.error = error
                    return self._catch(run, state, data, error)
                self._wait(run, wait_s)
                record.attempts += 1
                run.context["State"]["RetryCount"] += 1

    def _catch(self, run: _Run, state: dict[str, Any], data: Any, error: StateError) -> tuple[Any, str | None]:
        for catcher in state.get("Catch", []):
            if matches(catcher["ErrorEquals"], error.error):
                error_output = {"Error": error.error, "Cause": error.cause}
                bindings = run.bindings(data, errorOutput=error_output)
                return self._leave(run, catcher, bindings, error_output), catcher["Next"]
        raise error

    def _attempt(self, run: _Run, state: dict[str, Any], data: Any) -> tuple[Any, str | None]:
        kind = state["Type"]
        bindings = run.bindings(data)
        if kind == "Fail":
            error = self._evaluate(state.get("Error", ""), bindings)
            raise StateError(error, self._evaluate(state.get("Cause", ""), bindings))
        if kind == "Choice":
            return self._choose(run, state, bindings, data)
        output = data
        if kind == "Wait":
            self._wait(run, self._wait_seconds(state, bindings))
        if kind == "Task":
            output = self._task(run, state, bindings, data)
            bindings = run.bindings(data, result=output)
        return self._leave(run, state, bindings, output), state.get("Next")

    def _choose(self, run: _Run, state: dict[str, Any], bindings: dict[str, Any], data: Any) -> tuple[Any, str | None]:
        for rule in state["Choices"]:
            chosen = self._evaluate(rule["Condition"], bindings)
            if not isinstance(chosen, bool):
                raise StateError("States.QueryEvaluationError", f"The Condition {rule['Condition']} is not a boolean.")
            if chosen:
                return self._leave(run, rule, bindings, data), rule["Next"]
        if "Default" not in state:
            raise StateError(NO_CHOICE_MATCHED, "No choice matched and the state has no Default.")
        return self._leave(run, state, bindings, data), state["Default"]

    def _task(self, run: _Run, state: dict[str, Any], bindings: dict[str, Any], data: Any) -> Any:
        arguments = self._evaluate(state["Arguments"], bindings) if "Arguments" in state else data
        check_size(arguments, "arguments")
        left_s = run.deadline_s - self._clock.now()
        timeout_s = min(float(self._evaluate(state.get("TimeoutSeconds", left_s), bindings)), left_s)
        try:
            result = self._tasks[state["Resource"]](arguments, timeout_s)
        except TimeoutError:
            # The execution's own limit comes before the task's: no state can catch it.
            self._check_time(run)
            raise StateError(TIMEOUT) from None
        except (AttributeError, KeyError, TypeError) as error:
            cause = f"The Arguments could not be used to start the Task: {error}"
            raise StateError(RUNTIME, cause) from error
        check_size(result, "result")
        return result

    def _leave(self, run: _Run, fields: dict[str, Any], bindings: dict[str, Any], output: Any) -> Any:
        """Leave a state: set its variables and return its output.

        Assign and Output both see the variables as they were before, never each other's effect.
        """
        assigned = self._evaluate(fields.get("Assign", {}), bindings)
        if "Output" in fields:
            output = self._evaluate(fields["Output"], bindings)
        check_size(assigned, "variables")
        check_size(output, "output")
        run.variables.update(assigned)
        return output

    def _evaluate(self, node: Any, bindings: dict[str, Any]) -> Any:
        return evaluate(node, bindings, self._expression_limit_ms)

    def _wait(self, run: _Run, seconds: float) -> None:
        left_s = run.deadline_s - self._clock.now()
        wait_s = min(seconds, max(left_s, 0))
        if self._sleep is None:
            self._clock.wait(wait_s, run.stop)
        else:
            self._sleep(wait_s / self._clock.speed)
        if seconds > left_s:
            raise ExecutionTimedOutError
        self._check_time(run)

    def _check_time(self, run: _Run) -> None:
        if run.stop.is_set():
            raise ExecutionStoppedError
        if self._clock.now() >= run.deadline_s:
            raise ExecutionTimedOutError

    def _wait_seconds(self, state: dict[str, Any], bindings: dict[str, Any]) -> float:
        if "Seconds" in state:
            return float(self._evaluate(state["Seconds"], bindings))
        moment = datetime.fromisoformat(self._evaluate(state["Timestamp"], bindings))
        return max(moment.timestamp() - self._clock.now(), 0.0)
