"""What the model's service says of a request that it refuses, and to whom it is told."""

from __future__ import annotations

import json
import re
import time

import pytest

from tollgate_layer.inference.failures.refusals import sentence
from tollgate_layer.inference.failures.upstream import from_upstream

SDK = " (Service: BedrockRuntime, Status Code: 400, Request ID: 1b2c3d4e-0000-4444-8888-9999aaaabbbb)"
ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
INSIDE = re.compile(r"arn:|123456789012|abcdefghijkl|Exception|Error\b|Bedrock|Request ID|https?:")


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("max_tokens must be at least 1.", "max_tokens must be at least 1."),
        ("max_tokens must be at least 1." + SDK, "max_tokens must be at least 1."),
        (f"Too long.{SDK[:-1]}, Extended Request ID: null) (SDK Attempt Count: 1)", "Too long."),
        (json.dumps({"message": "top_p must be in (0, 1]."}), "top_p must be in (0, 1]."),
        (json.dumps({"Message": "No."}), "No."),
        (json.dumps({"errorMessage": json.dumps({"error": {"message": "No images."}})}), "No images."),
        (
            json.dumps({"object": "error", "message": "seed must be positive", "type": "BadRequestError", "code": 400}),
            "seed must be positive",
        ),
        (f"The model {ARN}, is busy with 5 tokens", "The model …, is busy with 5 tokens"),
        ("Model 123456789012-abcdefghijkl has no tools", "Model … has no tools"),
        ("ValueError: `stop` has too many items", "`stop` has too many items"),
        ("An error occurred (ValidationException) when calling the InvokeModel operation: No.", "No."),
        ("see https://bedrock.internal/doc, please", "see …, please"),
        ("one\n\ttwo\u2028three\x00four", "one two three four"),
        ("half \ud83d", "half ?"),
        ('{"message": "cut of', ""),
        ("", ""),
        ("{}", ""),
        ("[]", ""),
        (" ." + SDK, ""),
    ],
)
def test_a_refusals_sentence_is_the_services_own_without_our_inside(cause, expected):
    assert sentence(cause) == expected
    error = from_upstream("Bedrock.ValidationException", state="InvokeModel", cause=cause)
    assert (error.code, error.kind.status) == ("model_rejected_request", 400)
    assert expected in error.message
    assert not INSIDE.search(error.message)


@pytest.mark.parametrize("cause", ["a" * 30_000, "x " * 20_000, "{" * 50_000, "(Service:" * 4_000, "1" * 32_000])
def test_a_long_cause_is_cut(cause):
    started = time.perf_counter()

    assert len(sentence(cause)) <= 300
    assert time.perf_counter() - started < 0.2


@pytest.mark.parametrize(
    "cause",
    [
        "The provided model identifier is invalid.",
        "The provided model identifier is invalid." + SDK,
        json.dumps({"message": "The provided model identifier is invalid."}),
        "Invocation of model ID meta.llama3-8b with on-demand throughput isn't supported. Retry with a profile.",
        "1 validation error detected: Value 'x' at 'modelId' failed to satisfy constraint: Member must be an ARN",
    ],
)
@pytest.mark.parametrize("name", ["Bedrock.ValidationException", "ValidationException", "validationException"])
def test_a_model_that_the_record_names_wrongly_is_the_operators_fault(cause, name):
    error = from_upstream(name, cause=cause)

    assert (error.code, error.message) == ("model_misconfigured", "This model is not set up correctly.")


def test_other_failures_say_nothing_of_their_cause():
    error = from_upstream("Bedrock.AccessDeniedException", state="InvokeModel", cause=f"User {ARN} may not")

    assert error.message == "This model is not set up correctly."
