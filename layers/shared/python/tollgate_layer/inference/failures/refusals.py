"""What the model's service says of a request that it refuses: whose fault it is, and why.

Most such sentences are about the client's own body ("max_tokens must be at least 1, got 0"), and nobody else can act on
them, so the client gets the sentence: shortened, and without the names of what lies behind us.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tollgate_layer.inference.failures.errors import ApiError

_LONGEST_SENTENCE = 300
# Step Functions' own limit for a cause.
_LONGEST_CAUSE = 32_768

# Where a server's error object has its sentence: AWS's own two spellings, vLLM's and OpenAI's, a Lambda function's.
_SENTENCE_FIELDS = ("message", "Message", "error", "errorMessage", "originalMessage", "detail")
_DEEPEST = 6

# Sentences about the model and not about the body: the record names a model that there is none of, or not so.
_ABOUT_THE_MODEL = re.compile(
    r"^The provided model identifier is invalid|^Invocation of model ID |^The model ID |"
    r"at 'modelId' failed to satisfy constraint",
    re.IGNORECASE,
)

# An endpoint with no copy of its model: it scales from zero, which takes minutes. The sentence is not documented.
# https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
_SCALED_TO_ZERO = "no capacity"
# How SageMaker tells of a container's own error: ModelError in
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
_CONTAINER_SAID = re.compile(r'Received client error \((4\d\d)\) from .{1,100}? with message "', re.DOTALL)
_AFTER_WHAT_IT_SAID = '". See http'
_CLIENTS_FAULT = ("400", "413", "422")
"""Statuses by which containers refuse what a client asked: a context that is too long, a value out of its bounds."""
_TOO_BUSY = "429"

# What no client is told, and what takes its place. The first are added by SDKs behind or before a sentence.
_INSIDE = (
    (re.compile(r"\((?:Service|SDK Attempt Count|Status Code|Request ID):[^()]{0,500}\)"), ""),
    (re.compile(r"An error occurred \(\w{1,80}\) when calling the \w{1,80} operation[^:]{0,80}:\s?"), ""),
    (re.compile(r"\barn:[\w-]{1,40}:[^\s,;'\"]{0,500}"), "…"),
    (re.compile(r"\bhttps?://[^\s,;'\"]{1,500}"), "…"),
    # An account, alone or in the name that the service gives to an imported model.
    (re.compile(r"(?<!\d)\d{12}(?!\d)(?:-[a-z0-9]{12}\b)?"), "…"),
    (re.compile(r"(?<![\w.$#])[\w.$#]{0,200}?[a-z](?:Exception|Error)\b:?\s?"), ""),
    (re.compile(r"\b(?:(?:Amazon|AWS) )?Bedrock(?:Runtime| Runtime)?\b"), "the service"),
    (re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+"), " "),
)


def refused_by_service(cause: str, upstream: str) -> ApiError:
    """The error for a ValidationException, whose `cause` is a sentence, or JSON with a sentence in it.

    >>> refused_by_service("max_tokens must be at least 1. (Service: BedrockRuntime, Status Code: 400)", "x").message
    'The model refused the request: max_tokens must be at least 1.'
    """
    said = sentence(cause)
    if _ABOUT_THE_MODEL.search(said):
        return ApiError("model_misconfigured", upstream=upstream)
    if not said:
        return ApiError("model_rejected_request", upstream=upstream)
    return ApiError("model_rejected_request", f"The model refused the request: {said}", upstream=upstream)


def refused_by_endpoint(code: str, cause: str, upstream: str) -> ApiError:
    """The error for a failure of a SageMaker endpoint that its `cause` may tell more of than its name's `code`.

    >>> cause = 'Received client error (400) from model with message "too long". See https://'
    >>> refused_by_endpoint("model_error", cause, upstream="x").message
    'The model refused the request: too long'
    """
    if code == "model_misconfigured":
        return ApiError("model_not_ready" if _SCALED_TO_ZERO in cause else code, upstream=upstream)
    found = _CONTAINER_SAID.search(cause[:_LONGEST_CAUSE])
    if found is None:
        return ApiError(code, upstream=upstream)
    if found[1] == _TOO_BUSY:
        return ApiError("model_throttled", upstream=upstream)
    if found[1] not in _CLIENTS_FAULT:
        return ApiError(code, upstream=upstream)
    said = cause[found.end() : _LONGEST_CAUSE].partition(_AFTER_WHAT_IT_SAID)[0].removesuffix('"')
    return refused_by_service(said, upstream=upstream)


def sentence(cause: str) -> str:
    """The sentence in a cause, on one line, of at most 300 characters, fit for a client; "" where there is none."""
    text = _text_in(cause[:_LONGEST_CAUSE], _DEEPEST)
    # Before what follows looks at it: a text of any length costs the same.
    text = text[: 4 * _LONGEST_SENTENCE].encode("utf-8", "replace").decode()
    for inside, instead in _INSIDE:
        text = inside.sub(instead, text)
    text = text.strip(" :")
    if len(text) > _LONGEST_SENTENCE:
        text = f"{text[: _LONGEST_SENTENCE - 1]}…"
    return text if re.search(r"\w", text) else ""


def _text_in(value: Any, depth: int) -> str:
    """The text of an error: a text itself, or in the first field of an object that has one; texts may hold JSON."""
    if depth == 0:
        return ""
    if isinstance(value, dict):
        for field in _SENTENCE_FIELDS:
            found = _text_in(value.get(field), depth - 1)
            if found:
                return found
        return ""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if text.startswith("{"):
        try:
            return _text_in(json.loads(text), depth - 1)
        except (ValueError, RecursionError):
            return ""  # half an object says nothing
    return text
