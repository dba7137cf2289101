"""Executions as Step Functions and EventBridge tell of them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from tollgate.emulators.step_functions.execution import iso_time

if TYPE_CHECKING:
    from tollgate.emulators.step_functions.execution import Execution


def describe(execution: Execution) -> dict[str, Any]:
    """The answer of DescribeExecution."""
    described: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started_s,
        "input": json.dumps(execution.input, ensure_ascii=False),
    }
    if execution.ended_s is not None:
        described["stopDate"] = execution.ended_s
    if execution.status == "SUCCEEDED":
        described["output"] = json.dumps(execution.output, ensure_ascii=False)
    elif execution.error is not None:
        described |= {"error": execution.error, "cause": execution.cause or ""}
    return described


def history(execution: Execution) -> list[dict[str, Any]]:
    """The states that were entered and left, in the shape of history events; what lies between them is left out."""
    events: list[dict[str, Any]] = [{"timestamp": execution.started_s, "type": "ExecutionStarted"}]
    for run in execution.states:
        entered = {"name": run.name, "input": json.dumps(run.input, ensure_ascii=False)}
        events.append(
            {"timestamp": run.started_s, "type": f"{run.type}StateEntered", "stateEnteredEventDetails": entered}
        )
        if run.ended_s is not None and run.error is None:
            left = {"name": run.name, "output": json.dumps(run.output, ensure_ascii=False)}
            events.append({"timestamp": run.ended_s, "type": f"{run.type}StateExited", "stateExitedEventDetails": left})
    if execution.ended_s is not None:
        ended = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "ABORTED": "Aborted"}
        events.append({"timestamp": execution.ended_s, "type": f"Execution{ended[execution.status]}"})
    for number, event in enumerate(events, 1):
        event |= {"id": number, "previousEventId": number - 1}
    return events


def status_change_event(execution: Execution) -> dict[str, Any]:
    """The event that EventBridge gets of a Standard execution that is over.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    detail = describe(execution)
    detail["startDate"] = int(execution.started_s * 1000)
    detail["stopDate"] = int((execution.ended_s or execution.started_s) * 1000)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "time": iso_time(execution.ended_s or execution.started_s),
        "resources": [execution.arn],
        "detail": detail,
    }
