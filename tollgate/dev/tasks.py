"""The service integrations of the state machine's tasks, with the services' results and error names.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tollgate.dev.aws_clients import (
    BedrockRuntime,
    DynamoDb,
    SageMakerRuntime,
    ServiceAnswer,
    ServiceUnreachableError,
)
from tollgate.emulators.lambda_functions import Function, FunctionError, find_function
from tollgate.emulators.step_functions import RUNTIME, StateError, TaskHandler, parse_result
from tollgate.emulators.step_functions.endpoint import StepFunctionsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_JSON = "application/json"
DYNAMODB_GET_ITEM = "arn:aws:states:::dynamodb:getItem"
LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
BEDROCK_INVOKE_MODEL = "arn:aws:states:::bedrock:invokeModel"
SAGEMAKER_INVOKE_ENDPOINT = "arn:aws:states:::aws-sdk:sagemakerruntime:invokeEndpoint"
# AWS does not document what Step Functions puts before Bedrock's error names, so the state machine catches them under
# every prefix that is possible; the runner uses the likeliest.
_BEDROCK_PREFIX = "Bedrock"
START_EXECUTION = "arn:aws:states:::states:startExecution"
S3_PUT_OBJECT = "arn:aws:states:::aws-sdk:s3:putObject"
RESOURCES = {
    DYNAMODB_GET_ITEM,
    LAMBDA_INVOKE,
    BEDROCK_INVOKE_MODEL,
    SAGEMAKER_INVOKE_ENDPOINT,
    START_EXECUTION,
    S3_PUT_OBJECT,
}


def task_handlers(
    dynamodb: DynamoDb,
    bedrock: BedrockRuntime,
    sagemaker: SageMakerRuntime,
    functions: Mapping[str, Function],
    start_execution: Callable[[dict[str, Any]], dict[str, Any]],
    put_object: Callable[[dict[str, Any]], None],
    speed: float = 1.0,
) -> dict[str, TaskHandler]:
    """The handler of each task resource.

    Args:
        dynamodb: where tables are read.
        bedrock: where models are invoked.
        sagemaker: where models on endpoints are invoked.
        functions: the functions that may be invoked, by ARN.
        start_execution: starts an execution that nobody waits for, by StartExecution's members.
        put_object: writes an object, by PutObject's members.
        speed: on a clock so many times as fast, models get so many times less real time. Functions and tables really
            work, so their time is not scaled.
    """
    return {
        DYNAMODB_GET_ITEM: _GetItem(dynamodb),
        LAMBDA_INVOKE: _InvokeFunction(functions),
        BEDROCK_INVOKE_MODEL: _InvokeModel(bedrock, speed),
        SAGEMAKER_INVOKE_ENDPOINT: _InvokeEndpoint(sagemaker, speed),
        START_EXECUTION: _StartExecution(start_execution),
        S3_PUT_OBJECT: _PutObject(put_object),
    }


class _GetItem:
    """The integration dynamodb:getItem."""

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
    """The integration lambda:invoke. A function's error keeps its type as the name, and its object as the cause."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        name = str(arguments["FunctionName"])
        function = find_function(self._functions, name)
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
    """The integration bedrock:invokeModel, whose body goes in and comes out as JSON."""

    def __init__(self, bedrock: BedrockRuntime, speed: float) -> None:
        self._bedrock = bedrock
        self._speed = speed

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        _require_string(arguments.get("ModelId"), "ModelId")
        body = json.dumps(arguments["Body"]).encode()
        accept, content_type = arguments.get("Accept", _JSON), arguments.get("ContentType", _JSON)
        try:
            real_s = timeout_s / self._speed
            answer = self._bedrock.invoke_model(arguments["ModelId"], body, content_type, accept, real_s)
        except ServiceUnreachableError as error:
            raise StateError(f"{_BEDROCK_PREFIX}.SdkClientException", str(error)) from error
        if answer.error is not None:
            raise _service_error(_BEDROCK_PREFIX, "BedrockRuntime", answer)
        try:
            return {"Body": parse_result(answer.body), "ContentType": accept}
        except ValueError as error:
            raise StateError(RUNTIME, f"The answer of the model is no JSON: {error}") from error


class _InvokeEndpoint:
    """The integration aws-sdk:sagemakerruntime:invokeEndpoint, whose body goes in and comes out as text."""

    def __init__(self, sagemaker: SageMakerRuntime, speed: float) -> None:
        self._sagemaker = sagemaker
        self._speed = speed

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        _require_string(arguments.get("EndpointName"), "EndpointName")
        _require_string(arguments.get("Body"), "Body")
        try:
            answer = self._sagemaker.invoke_endpoint(arguments, timeout_s / self._speed)
        except ServiceUnreachableError as error:
            raise StateError("SageMakerRuntime.SdkClientException", str(error)) from error
        if answer.error is not None:
            raise _service_error("SageMakerRuntime", "SageMakerRuntime", answer)
        return {"Body": answer.body.decode("utf-8", "replace"), "ContentType": "application/json"}


class _StartExecution:
    """The integration states:startExecution, which does not wait for the execution's end."""

    def __init__(self, start: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._start = start

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        _require_string(arguments.get("StateMachineArn"), "StateMachineArn")
        data = json.dumps(arguments.get("Input", {}), separators=(",", ":"))
        try:
            return self._start({"stateMachineArn": arguments["StateMachineArn"], "input": data})
        except StepFunctionsError as error:
            raise StateError(f"StepFunctions.{error.code}Exception", str(error)) from error


class _PutObject:
    """The integration aws-sdk:s3:putObject."""

    def __init__(self, put: Callable[[dict[str, Any]], None]) -> None:
        self._put = put

    def __call__(self, arguments: Any, timeout_s: float) -> Any:
        for field in ("Bucket", "Key", "Body"):
            _require_string(arguments.get(field), field)
        from botocore.exceptions import ClientError  # takes long to import, and few shadows keep texts

        try:
            self._put(arguments)
        except ClientError as error:
            raise StateError(f"S3.{error.response['Error']['Code']}Exception", str(error)) from error
        return {}


def _require_string(value: Any, field: str) -> None:
    """Raise TypeError unless the value is a string, as Step Functions checks types itself.

    The interpreter makes States.Runtime of it, an error that nothing catches.
    """
    if not isinstance(value, str):
        raise TypeError(f"The value for the field '{field}' must be a STRING")


def _service_error(prefix: str, service: str, answer: ServiceAnswer) -> StateError:
    name = answer.error or "UnknownError"
    name = name if name.endswith("Exception") else f"{name}Exception"
    details = f"Service: {service}, Status Code: {answer.status}, Request ID: {answer.request_id}"
    return StateError(f"{prefix}.{name}", f"{answer.message} ({details})")
