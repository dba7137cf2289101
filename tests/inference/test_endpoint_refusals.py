"""What a SageMaker endpoint says of a failure tells whose it is."""

from __future__ import annotations

import pytest

from tollgate_layer.inference.failures.upstream import from_upstream

SEE = ". See https://us-east-1.console.aws.amazon.com/cloudwatch/home for more information."


def said(status: int, text: str, whose: str = "client") -> str:
    return f'Received {whose} error ({status}) from primary with message "{text}"{SEE}'


@pytest.mark.parametrize("name", ["ModelError", "ModelErrorException"])
@pytest.mark.parametrize(
    "cause, code, message",
    [
        (said(400, "too long"), "model_rejected_request", "The model refused the request: too long"),
        (said(413, "too large"), "model_rejected_request", "The model refused the request: too large"),
        (said(422, 'it "is" it'), "model_rejected_request", 'The model refused the request: it "is" it'),
        (said(400, '{"error": {"message": "no"}}'), "model_rejected_request", "The model refused the request: no"),
        (said(400, ""), "model_rejected_request", None),
        (said(429, "busy"), "model_throttled", None),
        (said(404, "no such route"), "model_error", None),
        (said(500, "Traceback", "server"), "model_error", None),
        ("no capacity", "model_error", None),
        ("", "model_error", None),
        (f'Received client error (400) from model with message "{"x" * 100_000}', "model_rejected_request", None),
    ],
)
def test_a_containers_refusal_is_told_from_its_failure(name, cause, code, message):
    error = from_upstream(f"SageMakerRuntime.{name}", cause=cause)

    assert error.code == code
    assert "Traceback" not in error.message
    assert "https" not in error.message
    assert len(error.message) < 400
    if message is not None:
        assert error.message == message


@pytest.mark.parametrize("name", ["ValidationError", "ValidationErrorException"])
@pytest.mark.parametrize(
    "cause, code",
    [
        ("Inference Component has no capacity to process this request.", "model_not_ready"),
        ("Endpoint prod of account 123456789012 not found.", "model_misconfigured"),
        ("", "model_misconfigured"),
    ],
)
def test_an_endpoint_at_zero_is_told_from_one_that_is_not_there(name, cause, code):
    assert from_upstream(f"SageMakerRuntime.{name}", cause=cause).code == code
