"""The API of Step Functions on loopback, for AWS's SDKs and command line.

JSON 1.0: a POST names its action in X-Amz-Target. Inputs are checked by the shapes in botocore's service model.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
"""

from __future__ import annotations

import json
import threading
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from tollgate.emulators.step_functions.described import describe, history
from tollgate.emulators.step_functions.execution import Execution
from tollgate.emulators.step_functions.standard import ExecutionExistsError, StandardMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from tollgate.emulators.step_functions.interpreter import StateMachine

_JSON = "application/x-amz-json-1.0"
_TARGET = "AWSStepFunctions."
_DATA_LIMIT_BYTES = 256 * 1024
_MOST_EVENTS = 1000


class StepFunctionsError(Exception):
    """Raised when an action is refused; `code` is the error's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StepFunctionsApi:
    """The actions on a stack's state machines; `on_end` is told of each execution that is over."""

    def __init__(self, machines: Mapping[str, StateMachine], on_end: Callable[[Execution], None]) -> None:
        self._machines = machines
        self._on_end = on_end
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "DescribeExecution": self._describe_execution,
            "DescribeStateMachine": self._describe_state_machine,
            "GetExecutionHistory": self._get_execution_history,
            "ListExecutions": self._list_executions,
            "ListStateMachines": self._list_state_machines,
            "StartExecution": self.start_execution,
            "StartSyncExecution": self._start_sync_execution,
            "StopExecution": self._stop_execution,
        }

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(routes=[Route("/", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        name = request.headers.get("x-amz-target", "").removeprefix(_TARGET)
        body = await request.body()
        try:
            # In a thread, because StartSyncExecution takes as long as its execution.
            answer = await run_in_threadpool(self.call, name, body)
        except StepFunctionsError as error:
            return _response(400, {"__type": error.code, "message": str(error)})
        return _response(200, answer)

    def call(self, name: str, body: bytes) -> dict[str, Any]:
        """Run an action.

        Raises:
            StepFunctionsError: it is refused.
        """
        action = self._actions.get(name)
        if action is None:
            raise StepFunctionsError("UnknownOperationException", f"{name!r} is not implemented by the local runner")
        try:
            parameters = json.loads(body or b"{}")
        except ValueError as error:
            raise StepFunctionsError("SerializationException", str(error)) from error
        report = _validator().validate(parameters, _service().operation_model(name).input_shape)
        if report.has_errors():
            raise StepFunctionsError("ValidationException", report.generate_report())
        return action(parameters)

    def start_execution(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Start an execution, and do not wait for its end. Raises StepFunctionsError: it is refused."""
        machine, name, data = self._new(parameters)
        if isinstance(machine, StandardMachine):
            try:
                execution = machine.start(data, name, self._on_end)
            except ExecutionExistsError as error:
                raise StepFunctionsError(
                    "ExecutionAlreadyExists", f"Execution Already Exists: '{machine.executions[name].arn}'"
                ) from error
            return {"executionArn": execution.arn, "startDate": execution.started_s}
        started_s = machine.now()
        arn = f"{machine.arn.replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}"
        run = threading.Thread(target=lambda: self._on_end(machine.start_sync(data, name)), daemon=True, name=name)
        run.start()
        return {"executionArn": arn, "startDate": started_s}

    def _start_sync_execution(self, parameters: dict[str, Any]) -> dict[str, Any]:
        machine, name, data = self._new(parameters)
        if isinstance(machine, StandardMachine):
            raise StepFunctionsError("StateMachineTypeNotSupported", "This operation is for EXPRESS state machines.")
        execution = machine.start_sync(data, name)
        self._on_end(execution)
        return describe(execution)

    def _describe_execution(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _, execution = self._find(parameters["executionArn"])
        return describe(execution)

    def _stop_execution(self, parameters: dict[str, Any]) -> dict[str, Any]:
        machine, execution = self._find(parameters["executionArn"])
        machine.stop(execution.name, parameters.get("error"), parameters.get("cause"))
        return {"stopDate": machine.now()}

    def _list_executions(self, parameters: dict[str, Any]) -> dict[str, Any]:
        machine = self._machine(parameters.get("stateMachineArn", ""))
        if not isinstance(machine, StandardMachine):
            raise StepFunctionsError("StateMachineTypeNotSupported", "This operation is for STANDARD state machines.")
        wanted = parameters.get("statusFilter")
        found = []
        for execution in reversed(list(machine.executions.values())):
            if wanted in (None, execution.status):
                listed = describe(execution)
                kept = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
                found.append({key: listed[key] for key in kept if key in listed})
        return {"executions": found[: parameters.get("maxResults") or 1000]}

    def _get_execution_history(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _, execution = self._find(parameters["executionArn"])
        events = history(execution)
        if parameters.get("reverseOrder"):
            events.reverse()
        return {"events": events[: parameters.get("maxResults") or _MOST_EVENTS]}

    def _list_state_machines(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"stateMachines": [_machine_facts(machine) for machine in self._machines.values()]}

    def _describe_state_machine(self, parameters: dict[str, Any]) -> dict[str, Any]:
        facts = _machine_facts(self._machine(parameters["stateMachineArn"]))
        return {**facts, "status": "ACTIVE", "definition": "{}", "roleArn": "arn:aws:iam::123456789012:role/local"}

    def _new(self, parameters: dict[str, Any]) -> tuple[StateMachine, str, Any]:
        """The machine, the name and the input of an execution to start."""
        machine = self._machine(parameters["stateMachineArn"])
        text = parameters.get("input", "{}")
        if len(text.encode()) > _DATA_LIMIT_BYTES:
            raise StepFunctionsError("ValidationException", f"'input' has more than {_DATA_LIMIT_BYTES} bytes")
        try:
            data = json.loads(text)
        except ValueError as error:
            raise StepFunctionsError(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
            ) from error
        name = parameters.get("name") or str(uuid.uuid4())
        if not name.isprintable() or set(name) & set(' <>{}[]?*"#%\\^|~`$&,;:/'):
            raise StepFunctionsError("InvalidName", f"Invalid Name: '{name}'")
        return machine, name, data

    def _machine(self, arn: str) -> StateMachine:
        machine = self._machines.get(arn)
        if machine is None:
            raise StepFunctionsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def _find(self, execution_arn: str) -> tuple[StandardMachine, Execution]:
        for machine in self._machines.values():
            if isinstance(machine, StandardMachine):
                for execution in machine.executions.values():
                    if execution.arn == execution_arn:
                        return machine, execution
        raise StepFunctionsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{execution_arn}'")


def _machine_facts(machine: StateMachine) -> dict[str, Any]:
    kind = "STANDARD" if isinstance(machine, StandardMachine) else "EXPRESS"
    return {"stateMachineArn": machine.arn, "name": machine.name, "type": kind, "creationDate": 0}


@cache
def _service() -> Any:
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    return ServiceModel(create_loader().load_service_model("stepfunctions", "service-2"), "stepfunctions")


@cache
def _validator() -> Any:
    from botocore.validate import ParamValidator

    return ParamValidator()


def _response(status: int, body: dict[str, Any]) -> Response:
    text = json.dumps(body, ensure_ascii=False)
    headers = {"x-amzn-requestid": str(uuid.uuid4())}
    return Response(text, status, headers, media_type=_JSON)
