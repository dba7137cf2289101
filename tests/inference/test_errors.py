"""One table of errors: every upstream failure has an answer, and no answer says too much."""

from __future__ import annotations

import botocore.session
import pytest

from tollgate_layer.inference.failures.errors import ERRORS, ApiError
from tollgate_layer.inference.failures.upstream import UPSTREAM, classify, from_upstream


def test_every_exception_that_botocore_knows_of_an_invocation_is_mapped():
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    for operation in ("InvokeModel", "InvokeModelWithResponseStream"):
        for shape in service.operation_model(operation).error_shapes:
            assert shape.name in UPSTREAM


def test_every_in_stream_exception_is_mapped():
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    members = service.shape_for("ResponseStream").members

    for member in members:
        if member != "chunk":
            assert classify(member) != "internal_error", member


@pytest.mark.parametrize("prefix", ["", "Bedrock.", "BedrockRuntime."])
@pytest.mark.parametrize("name", [n for n in UPSTREAM if "." not in n])
def test_a_bedrock_error_means_the_same_under_every_prefix(prefix, name):
    assert classify(prefix + name) == UPSTREAM[name]


@pytest.mark.parametrize(
    "name", ["KeyError", "Runtime.ExitError", "Lambda.Unknown", "DynamoDB.AccessDeniedException", ""]
)
def test_what_nobody_foresaw_is_an_internal_error(name):
    assert classify(name) == "internal_error"


# How Step Functions names errors for which its client, AWS's SDK for Java in either generation, has no class.
WITHOUT_A_CLASS = [
    "DynamoDB.AmazonDynamoDBException",
    "DynamoDB.DynamoDbException",
    "DynamoDB.ClientExecutionTimeoutException",
    "Lambda.AWSLambdaException",
    "Lambda.ResourceNotReadyException",
    "Lambda.ClientExecutionTimeoutException",
    "Bedrock.AmazonBedrockRuntimeException",
    "BedrockRuntime.BedrockRuntimeException",
    "Bedrock.ClientExecutionTimeoutException",
]


@pytest.mark.parametrize("name", WITHOUT_A_CLASS)
def test_an_error_without_a_class_of_its_own_is_worth_another_try(name):
    assert classify(name) == "model_unavailable"


def test_every_upstream_name_leads_to_a_known_code():
    assert set(UPSTREAM.values()) <= set(ERRORS)


def test_every_error_of_reading_the_table_has_an_answer_under_either_name():
    service = botocore.session.get_session().get_service_model("dynamodb")
    for shape in service.operation_model("GetItem").error_shapes:
        stepped = shape.name if shape.name.endswith("Exception") else f"{shape.name}Exception"
        assert classify(f"DynamoDB.{shape.name}") == classify(f"DynamoDB.{stepped}")
        assert f"DynamoDB.{stepped}" in UPSTREAM


def test_a_table_that_is_throttled_is_not_a_model_that_is_throttled():
    assert classify("DynamoDB.ThrottlingException") == "model_unavailable"
    assert classify("Bedrock.ThrottlingException") == "model_throttled"


def test_too_much_data_means_something_else_before_and_after_the_model():
    assert from_upstream("States.DataLimitExceeded", state="ResolveModel").code == "request_too_large"
    assert from_upstream("States.DataLimitExceeded", state="InvokeModel").code == "model_error"


def test_a_slow_table_is_not_a_slow_model():
    assert from_upstream("States.Timeout", state="ResolveModel").code == "model_unavailable"
    assert from_upstream("States.Timeout", state="InvokeModel").code == "timeout"


@pytest.mark.parametrize("name", ["ConnectionError", "ThrottlingException", "ModelNotReadyException"])
def test_an_exception_of_a_functions_code_is_a_bug_whatever_its_name(name):
    assert from_upstream(name, state="Preprocess").code == "internal_error"
    assert from_upstream(name, state="InvokeModel").code != "internal_error"


def test_the_body_has_openais_shape_and_the_request_id():
    body = ApiError("invalid_parameter", "n: too many.", param="n").body("r-1")

    assert body == {
        "error": {
            "message": "n: too many.",
            "type": "invalid_request_error",
            "param": "n",
            "code": "invalid_parameter",
            "request_id": "r-1",
        }
    }


def test_only_failures_that_pass_say_when_to_come_back():
    assert {code for code, kind in ERRORS.items() if kind.retry_after} == {
        "rate_limit_exceeded", "model_throttled", "model_not_ready", "model_unavailable"
    }  # fmt: skip
