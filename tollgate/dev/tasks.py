"""The service integrations of the state machine's tasks, with the services' results and error names.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tollgate.dev.services import BedrockRuntime, DynamoDb, ServiceAnswer, ServiceUnreachableError
from tollgate.emulators.lambda_functions import Function, FunctionError
from tollgate.emulators.step_functions import StateError, TaskHandler

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON = "application/json"
DYNAMODB_GET_ITEM = "arn:aws:states:::dynamodb:getItem"
LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
BEDROCK_INVOKE_MODEL = "arn:aws:states:::bedrock:invokeModel"
RESOURCES = {DYNAMODB_GET_ITEM, LAMBDA_INVOKE, BEDROCK_INVOKE_MODEL}


def task_handlers(
    dynamodb: DynamoDb,
    bedrock: BedrockRuntime,
    functions: Mapping[str, Function],
    bedrock_error_prefix: str,
    speed: float = 1.0,
) -> dict[str, TaskHandler]:
    """Resource → handler. `functions` go by ARN; which prefix AWS gives to Bedrock's errors is not documented.

    On a clock `speed` times as fast, models get so many times less real time; functions and tables really work.
    """
    return {
        DYNAMODB_GET_ITEM: _GetItem(dynamodb),
        LAMBDA_INVOKE: _InvokeFunction(functions),
        BEDROCK_INVOKE_MODEL: _InvokeModel(bedrock, bedrock_error_prefix, speed),
    }


class _GetItem:
    """dynamodb:getItem"""

    def __init__(self, dynamodb: DynamoDb) -> None:
        self._dynamodb = dynamodb

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        _require_string(arguments.get("TableName"), "TableName")
        for attribute in arguments["Key"].values():
            for kind, value in attribute.items():
                _require_string(value, kind)
        body = json.dumps(arguments).encode()
        try:
            answer = self._dynamodb.call("GetItem", body, timeout_s)
        except ServiceUnreachableError as error:
            raise StateError("DynamoDB.SdkClientException", str(error)) from error
        if answer.error is not None:
            raise _service_error("DynamoDB", "DynamoDb", answer)
        return {**json.loads(answer.body), "SdkHttpMetadata": {"HttpStatusCode": answer.status}}


class _InvokeFunction:
    """lambda:invoke: a function's error keeps its type as the name, and its object as the cause."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        name = str(arguments["FunctionName"])
        function = self._functions.get(_unqualified(name))
        if function is None:
            raise StateError("Lambda.ResourceNotFoundException", f"Function not found: {name}")
        try:
            payload = function.invoke(arguments.get("Payload", {}), timeout_s)
        except FunctionError as error:
            raise StateError(error.error_type, json.dumps(error.payload, separators=(",", ":"))) from error
        return {
            "ExecutedVersion": "$LATEST",
            "Payload": payload,
            "SdkHttpMetadata": {"HttpStatusCode": 200},
            "StatusCode": 200,
        }


class _InvokeModel:
    """bedrock:invokeModel: the body goes in and comes out as JSON."""

    def __init__(self, bedrock: BedrockRuntime, error_prefix: str, speed: float) -> None:
        self._bedrock = bedrock
        self._speed = speed
        self._error_prefix = error_prefix

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        _require_string(arguments.get("ModelId"), "ModelId")
        body = json.dumps(arguments["Body"]).encode()
        accept, content_type = arguments.get("Accept", _JSON), arguments.get("ContentType", _JSON)
        try:
            real_s = timeout_s / self._speed
            answer = self._bedrock.invoke_model(arguments["ModelId"], body, content_type, accept, real_s)
        except ServiceUnreachableError as error:
            raise StateError(f"{self._error_prefix}SdkClientException", str(error)) from error
        if answer.error is not None:
            raise _service_error(self._error_prefix.rstrip("."), "BedrockRuntime", answer)
        try:
            return {"Body": json.loads(answer.body), "ContentType": accept}
        except ValueError as error:
            raise StateError("States.Runtime", f"The answer of the model is no JSON: {error}") from error


def _require_string(value: Any, field: str) -> None:
    """Step Functions checks types itself; the error that it raises then is one that nothing catches."""
    if not isinstance(value, str):
        raise TypeError(f"The value for the field '{field}' must be a STRING")


def _service_error(prefix: str, service: str, answer: ServiceAnswer) -> StateError:
    name = answer.error or "UnknownError"
    name = name if name.endswith("Exception") else f"{name}Exception"
    details = f"Service: {service}, Status Code: {answer.status}, Request ID: {answer.request_id}"
    return StateError(f"{prefix}.{name}" if prefix else name, f"{answer.message} ({details})")


def _unqualified(function_arn: str) -> str:
    """`arn:aws:lambda:Region:account:function:name` without a version or alias."""
    return ":".join(function_arn.split(":")[:7])
