"""AWS service actions that an `aws` integration can call: StartSyncExecution and reads of DynamoDB."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.emulators.api_gateway.mapping_templates.variables import parse_json
from tollgate.emulators.api_gateway.messages import ApiResponse
from tollgate.emulators.step_functions import DATA_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.emulators.step_functions import Execution, StateMachine

_EXECUTION_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
_JSON = "application/x-amz-json-1.0"


class ServiceAction(Protocol):
    """Sends a rendered request to a service and returns the service's answer, whatever its status."""

    def __call__(self, body: str) -> ApiResponse: ...


class StartSyncExecution:
    """The action `states:action/StartSyncExecution`, which answers 200 for executions that fail, too."""

    def __init__(self, machines: dict[str, StateMachine], observe: Callable[[Execution], None]) -> None:
        self._machines = machines
        self._observe = observe

    def __call__(self, body: str) -> ApiResponse:
        """Check the request and run the execution to its end.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
        """
        try:
            request = parse_json(body)
            machine_arn, text = request["stateMachineArn"], request.get("input", "{}")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return _refused("SerializationException", f"The request is not valid: {error}")
        machine = self._machines.get(machine_arn)
        if machine is None:
            return _refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine_arn}'")
        name = request.get("name")
        if name is not None and _EXECUTION_NAME.fullmatch(name) is None:
            return _refused("InvalidName", f"Invalid Name: '{name}'")
        if len(text) > DATA_LIMIT_BYTES or len(text.encode("utf-8", "surrogatepass")) > DATA_LIMIT_BYTES:
            constraint = f"Member must have length less than or equal to {DATA_LIMIT_BYTES}"
            message = f"1 validation error detected: Value at 'input' failed to satisfy constraint: {constraint}"
            return _refused("ValidationException", message)
        try:
            data = parse_json(text)
        except (ValueError, RecursionError) as error:
            return _refused("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'")
        execution = machine.start_sync(data, name)
        self._observe(execution)
        return _answer(200, describe(execution, text))


def describe(execution: Execution, text: str) -> dict[str, Any]:
    """The body of StartSyncExecution's answer; `text` is the execution's input."""
    ended_s = execution.ended_s or execution.started_s
    billed_ms = -(-int((ended_s - execution.started_s) * 1000) // 100) * 100
    answer: dict[str, Any] = {
        "billingDetails": {"billedDurationInMilliseconds": billed_ms, "billedMemoryUsedInMB": 64},
        "executionArn": execution.arn,
        "input": text,
        "inputDetails": {"included": True},
        "name": execution.name,
        "startDate": execution.started_s,
        "stateMachineArn": execution.state_machine_arn,
        "status": execution.status,
        "stopDate": ended_s,
    }
    if execution.status == "SUCCEEDED":
        output = json.dumps(execution.output, separators=(",", ":"), ensure_ascii=False)
        return {**answer, "output": output, "outputDetails": {"included": True}}
    return {**answer, "error": execution.error, "cause": execution.cause}


def _refused(error: str, message: str) -> ApiResponse:
    return _answer(400, {"__type": error, "message": message})


def _answer(status: int, body: dict[str, Any]) -> ApiResponse:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return ApiResponse(status, text.encode("utf-8", "surrogatepass"), {"Content-Type": _JSON})
