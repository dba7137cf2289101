"""Every failure has one answer: the table of error codes, and of the upstream names that lead to them.

    ApiError                 a failure that has its answer: code, message, param
      RequestError           the client's request is at fault
      AnswerError            the model's answer cannot be read

`ERRORS` maps a code to its status and type; `UPSTREAM` maps the names under which AWS services report a
failure to a code. Documentation is generated from both.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class ErrorKind(NamedTuple):
    """What one error code means: to a client, and to the retries of an invocation.

    `retry_after` is in seconds. `attempts` is how often one request invokes the model at most while it fails in this
    way; the time that the client waits is a limit beside it.
    """

    status: int
    type: str
    situation: str
    message: str
    retry_after: int | None = None
    attempts: int = 1


_REQUEST = "invalid_request_error"
_SERVER = "server_error"

ERRORS: dict[str, ErrorKind] = {
    "invalid_json": ErrorKind(400, _REQUEST, "not JSON, not an object", "The request body must be a JSON object."),
    "invalid_parameter": ErrorKind(
        400, _REQUEST, "missing, mistyped or out-of-range parameter", "A parameter is missing or not valid."
    ),
    "unsupported_parameter": ErrorKind(
        400, _REQUEST, "parameter that this model cannot honour", "This model cannot honour a parameter."
    ),
    "context_length_exceeded": ErrorKind(
        400, _REQUEST, "prompt does not fit", "The prompt does not fit into the model's context."
    ),
    "invalid_api_key": ErrorKind(
        401,
        "authentication_error",
        "no key, wrong key",
        "Send a valid API key as 'Authorization: Bearer KEY'.",
    ),
    "model_not_found": ErrorKind(404, _REQUEST, "unknown model", "The model does not exist."),
    "not_found": ErrorKind(404, _REQUEST, "unknown route", "There is nothing at this path."),
    "method_not_allowed": ErrorKind(405, _REQUEST, "unknown method", "This path does not take this method."),
    "request_too_large": ErrorKind(
        413,
        _REQUEST,
        "body over the path's limit",
        "The request is too large for this base URL: send it to the streaming base URL, "
        "which ends in /stream/v1 and takes larger requests.",
    ),
    "unsupported_media_type": ErrorKind(
        415, _REQUEST, "not application/json", "Send the request as 'Content-Type: application/json'."
    ),
    "rate_limit_exceeded": ErrorKind(
        429,
        "rate_limit_error",
        "the key's rate or quota",
        "This API key's rate limit or quota is used up.",
        5,
    ),
    "model_throttled": ErrorKind(
        429, "rate_limit_error", "the model is throttled", "The model receives too many requests at once.", 5
    ),
    "model_not_ready": ErrorKind(
        503,
        _SERVER,
        "the model is cold and is being loaded",
        "The model was idle and is being loaded, which takes up to a few minutes: try again.",
        15,
        attempts=100,
    ),
    "model_unavailable": ErrorKind(
        503,
        _SERVER,
        "the model's service cannot answer now",
        "The model is not available now: try again.",
        5,
        attempts=3,
    ),
    "model_error": ErrorKind(
        502,
        _SERVER,
        "the model failed, or its answer cannot be read",
        "The model did not give a usable answer.",
    ),
    "model_misconfigured": ErrorKind(
        502, _SERVER, "model gone, or access to it denied", "This model is not set up correctly."
    ),
    "timeout": ErrorKind(504, _SERVER, "model or path took too long", "The model took too long to answer."),
    "model_rejected_request": ErrorKind(
        400,
        _REQUEST,
        "the model's service refused the request",
        "The model refused the request as not valid.",
    ),
    "internal_error": ErrorKind(500, _SERVER, "anything else", "Something went wrong on our side."),
}

UPSTREAM: dict[str, str] = {
    # Bedrock runtime, without the prefix that Step Functions puts before its names.
    "AccessDeniedException": "model_misconfigured",
    "ResourceNotFoundException": "model_misconfigured",
    "ThrottlingException": "model_throttled",
    "ServiceQuotaExceededException": "model_throttled",
    "ModelNotReadyException": "model_not_ready",
    "ModelTimeoutException": "timeout",
    "ModelErrorException": "model_error",
    "ModelStreamErrorException": "model_error",
    "InternalServerException": "model_unavailable",
    "ServiceUnavailableException": "model_unavailable",
    "ValidationException": "model_rejected_request",
    # A connection to it that fails: Step Functions' name, then botocore's.
    "SdkClientException": "model_unavailable",
    "EndpointConnectionError": "model_unavailable",
    "ConnectionClosedError": "model_unavailable",
    "ConnectionError": "model_unavailable",
    "HTTPClientError": "model_unavailable",
    "ConnectTimeoutError": "model_unavailable",
    "ReadTimeoutError": "timeout",
    "ResponseStreamingError": "model_error",
    # Step Functions itself.
    "States.Timeout": "timeout",
    "States.HeartbeatTimeout": "timeout",
    "States.DataLimitExceeded": "request_too_large",
    "States.Runtime": "model_error",
    "States.QueryEvaluationError": "internal_error",
    "States.TaskFailed": "internal_error",
    "States.Permissions": "internal_error",
    # Lambda: what passes, a function that takes too long, and a function that dies.
    "Lambda.ServiceException": "model_unavailable",
    "Lambda.AWSLambdaException": "model_unavailable",
    "Lambda.SdkClientException": "model_unavailable",
    "Lambda.TooManyRequestsException": "model_unavailable",
    "Sandbox.Timedout": "timeout",
    "Lambda.Unknown": "internal_error",
    "Lambda.AccessDeniedException": "internal_error",
    "Lambda.ResourceNotFoundException": "internal_error",
    "Runtime.ExitError": "internal_error",
    "Runtime.OutOfMemory": "internal_error",
    "Runtime.ImportModuleError": "internal_error",
    "Runtime.HandlerNotFound": "internal_error",
    "Runtime.UserCodeSyntaxError": "internal_error",
    "Runtime.MarshalError": "internal_error",
    "Runtime.Unknown": "internal_error",
    "Function.ResponseSizeTooLarge": "internal_error",
    # The model table: what passes, and what does not.
    "DynamoDB.ThrottlingException": "model_unavailable",
    "DynamoDB.RequestLimitExceededException": "model_unavailable",
    "DynamoDB.ProvisionedThroughputExceededException": "model_unavailable",
    "DynamoDB.InternalServerErrorException": "model_unavailable",
    "DynamoDB.ServiceUnavailableException": "model_unavailable",
    "DynamoDB.SdkClientException": "model_unavailable",
    "DynamoDB.EndpointConnectionError": "model_unavailable",
    "DynamoDB.ConnectTimeoutError": "model_unavailable",
    "DynamoDB.ReadTimeoutError": "model_unavailable",
    "DynamoDB.AccessDeniedException": "internal_error",
    "DynamoDB.ResourceNotFoundException": "internal_error",
    "DynamoDB.ValidationException": "internal_error",
}

_BEDROCK_PREFIXES = ("Bedrock.", "BedrockRuntime.")
_FUNCTION_STATES = ("Preprocess", "Postprocess")


def classify(upstream_name: str) -> str:
    """The code for a failure that a service reports as `upstream_name`; unknown names are `internal_error`.

    Step Functions prefixes names with the service (`Bedrock.ThrottlingException`), under either of two names for
    Bedrock, and ends them in `Exception`; in-stream errors start with a small letter (`throttlingException`).
    """
    name = upstream_name
    for prefix in _BEDROCK_PREFIXES:
        name = name.removeprefix(prefix)
    name = name[:1].upper() + name[1:]
    return UPSTREAM.get(name) or UPSTREAM.get(f"{name}Exception", "internal_error")


class ApiError(Exception):
    """A failure that has its answer; `message` is safe to show to the client."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        param: str | None = None,
        upstream: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.kind = ERRORS[code]
        self.code = code
        self.message = message or self.kind.message
        self.param = param
        self.upstream = upstream
        self.retry_after = self.kind.retry_after if retry_after is None else retry_after
        super().__init__(self.message)

    def body(self, request_id: str) -> dict[str, Any]:
        """OpenAI's error object, with the request id that finds the failure in the logs."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind.type,
                "param": self.param,
                "code": self.code,
                "request_id": request_id,
            }
        }


class RequestError(ApiError):
    """When the client's request is at fault."""


class AnswerError(ApiError):
    """When the model's answer does not have its format's shape."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__("model_error", message)


def from_upstream(name: str, *, state: str | None = None) -> ApiError:
    """The answer to a failure named `name`; `state` is the step of the path that failed."""
    if name == "States.DataLimitExceeded" and state == "InvokeModel":
        return answer_too_large(upstream=name)
    if state == "ResolveModel" and name == "States.Timeout":
        return ApiError("model_unavailable", upstream=name)
    if state in _FUNCTION_STATES and "." not in name:  # an exception of the function's code, whatever its class
        return ApiError("internal_error", upstream=name)
    return ApiError(classify(name), upstream=name)


def answer_too_large(upstream: str | None = None) -> ApiError:
    """The answer where the model said more than the step path can carry."""
    return ApiError(
        "model_error",
        "The model's answer is too large for this base URL: use the streaming base URL, "
        "which ends in /stream/v1, or a smaller max_tokens.",
        upstream=upstream,
    )


def to_json(value: Any) -> str:
    """Compact JSON as clients and models receive it; text stays readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
