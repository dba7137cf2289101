"""The failures that AWS services report, under all their names, and the codes that they become."""

from __future__ import annotations

from tollgate_layer.inference.failures.errors import ApiError

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
    # Errors of Bedrock's for which Step Functions' client has no class of their own: its class of all, in the first and
    # the second generation of AWS's SDK for Java, after whose classes Step Functions names errors.
    "AmazonBedrockRuntimeException": "model_unavailable",
    "BedrockRuntimeException": "model_unavailable",
    # A connection to it that fails: Step Functions' names, then botocore's.
    "SdkClientException": "model_unavailable",
    "ClientExecutionTimeoutException": "model_unavailable",
    "EndpointConnectionError": "model_unavailable",
    "ConnectionClosedError": "model_unavailable",
    "ConnectionError": "model_unavailable",
    "HTTPClientError": "model_unavailable",
    "ConnectTimeoutError": "model_unavailable",
    "ReadTimeoutError": "timeout",
    "ResponseStreamingError": "model_error",
    # SageMaker runtime: as the service names them, since some are Bedrock's names with another meaning.
    "SageMakerRuntime.ModelError": "model_error",
    "SageMakerRuntime.ModelStreamError": "model_error",
    "SageMakerRuntime.InternalStreamFailure": "model_error",
    "SageMakerRuntime.InternalFailure": "model_unavailable",
    "SageMakerRuntime.InternalDependencyException": "model_unavailable",
    "SageMakerRuntime.ServiceUnavailable": "model_unavailable",
    "SageMakerRuntime.SageMakerRuntimeException": "model_unavailable",
    "SageMakerRuntime.ValidationError": "model_misconfigured",
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
    "Lambda.ClientExecutionTimeoutException": "model_unavailable",
    "Lambda.TooManyRequestsException": "model_unavailable",
    "Lambda.ResourceNotReadyException": "model_unavailable",
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
    # The model table: what passes, and what does not. The first two are its classes of all errors without their own, as
    # above; AWS's own samples retry on the first.
    "DynamoDB.AmazonDynamoDBException": "model_unavailable",
    "DynamoDB.DynamoDbException": "model_unavailable",
    "DynamoDB.ThrottlingException": "model_unavailable",
    "DynamoDB.RequestLimitExceededException": "model_unavailable",
    "DynamoDB.ProvisionedThroughputExceededException": "model_unavailable",
    "DynamoDB.InternalServerErrorException": "model_unavailable",
    "DynamoDB.ServiceUnavailableException": "model_unavailable",
    "DynamoDB.SdkClientException": "model_unavailable",
    "DynamoDB.ClientExecutionTimeoutException": "model_unavailable",
    "DynamoDB.EndpointConnectionError": "model_unavailable",
    "DynamoDB.ConnectTimeoutError": "model_unavailable",
    "DynamoDB.ReadTimeoutError": "model_unavailable",
    "DynamoDB.AccessDeniedException": "internal_error",
    "DynamoDB.ResourceNotFoundException": "internal_error",
    "DynamoDB.ValidationException": "internal_error",
}

_BEDROCK_PREFIXES = ("Bedrock.", "BedrockRuntime.")
_ENDPOINT_PREFIX = "SageMakerRuntime."
_FUNCTION_STATES = ("Preprocess", "Postprocess")


def classify(upstream_name: str) -> str:
    """The code for a failure that a service reports as `upstream_name`; unknown names are `internal_error`.

    Step Functions prefixes names with the service (`Bedrock.ThrottlingException`), under either of two names for
    Bedrock, and ends them in `Exception`; in-stream errors start with a small letter (`throttlingException`).
    """
    name = upstream_name
    if name.lower().startswith(_ENDPOINT_PREFIX.lower()):
        bare = name[len(_ENDPOINT_PREFIX) :]
        for spelling in (bare, bare.removesuffix("Exception")):
            if _ENDPOINT_PREFIX + spelling in UPSTREAM:
                return UPSTREAM[_ENDPOINT_PREFIX + spelling]
        name = bare  # as Bedrock has it
    for prefix in _BEDROCK_PREFIXES:
        name = name.removeprefix(prefix)
    name = name[:1].upper() + name[1:]
    return UPSTREAM.get(name) or UPSTREAM.get(f"{name}Exception", "internal_error")


def from_upstream(name: str, *, state: str | None = None, cause: str = "") -> ApiError:
    """The error for a failure named `name`; `state` is the step of the path that failed, `cause` what was said of it.

    Only the cause of a refusal by the model's service, or by an endpoint's container, is looked at.
    """
    if name == "States.DataLimitExceeded" and state == "InvokeModel":
        return answer_too_large(upstream=name)
    if state == "ResolveModel" and name == "States.Timeout":
        return ApiError("model_unavailable", upstream=name)
    if state in _FUNCTION_STATES and "." not in name:  # an exception of the function's code, whatever its class
        return ApiError("internal_error", upstream=name)
    code = classify(name)
    if code in ("model_error", "model_misconfigured") and name.lower().startswith(_ENDPOINT_PREFIX.lower()):
        from tollgate_layer.inference.failures.refusals import refused_by_endpoint  # few requests are refused

        return refused_by_endpoint(code, cause, upstream=name)
    if code == "model_rejected_request":
        from tollgate_layer.inference.failures.refusals import refused_by_service  # few requests are refused

        return refused_by_service(cause, upstream=name)
    return ApiError(code, upstream=name)


def answer_too_large(upstream: str | None = None) -> ApiError:
    """The error for an answer that is larger than the step path can carry."""
    return ApiError(
        "model_error",
        "The model's answer is too large for this base URL: use the streaming base URL, "
        "which ends in /stream/v1, or a smaller max_tokens.",
        upstream=upstream,
    )
