"""The streams of Bedrock's runtime, and its errors, which may end one.

ConverseStream has events of its own; InvokeModelWithResponseStream carries the chunks of the model's body in base64.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

import base64
import time

from tollgate_layer.inference.aws_frames import event_frame, exception_frame
from tollgate_layer.inference.backends.body_format import METRICS, Usage
from tollgate_layer.inference.completion import Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter
from tollgate_layer.inference.dialects.aws import AwsError, in_openais_shape
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject, to_json

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}
"""OpenAI's finish reasons → Converse's stop reasons."""

_ERRORS = {
    "invalid_api_key": (403, "AccessDeniedException"),
    "model_not_found": (404, "ResourceNotFoundException"),
    "not_found": (404, "ResourceNotFoundException"),
    "model_throttled": (429, "ThrottlingException"),
    "rate_limit_exceeded": (429, "ThrottlingException"),
    "model_not_ready": (429, "ModelNotReadyException"),
    "timeout": (408, "ModelTimeoutException"),
    "model_error": (424, "ModelErrorException"),
    "model_misconfigured": (424, "ModelErrorException"),
    "hook_failed": (424, "ModelErrorException"),
    "model_unavailable": (503, "ServiceUnavailableException"),
    "internal_error": (500, "InternalServerException"),
}
"""Our errors → Bedrock's. Every other one is the client's, a ValidationException."""


def bedrock_error(error: ApiError) -> AwsError:
    """Bedrock's own error for one of ours."""
    status, name = _ERRORS.get(error.code, (400, "ValidationException"))
    fields: JsonObject = {}
    if name == "ModelErrorException":
        fields = {"originalStatusCode": 500, "resourceName": ""}
    return AwsError(status, name, fields)


_IN_STREAMS = {
    "ThrottlingException": "throttlingException",
    "ModelNotReadyException": "serviceUnavailableException",
    "ServiceUnavailableException": "serviceUnavailableException",
    "InternalServerException": "internalServerException",
    "ValidationException": "validationException",
}
"""Exceptions that a stream has members for; every other failure is a modelStreamErrorException."""


def usage_of(usage: Usage) -> JsonObject:
    """Token counts as Converse has them, which knows no missing ones."""
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    return {"inputTokens": prompt, "outputTokens": completion, "totalTokens": prompt + completion}


def now_ms() -> int:
    """The time, in milliseconds since 1970."""
    return int(time.time() * 1000)


def latency_ms(spec: CompletionSpec) -> int:
    """Milliseconds since the request was read."""
    began: int = (spec.kept or {}).get("began_ms", now_ms())
    return max(0, now_ms() - began)


def _exception(error: ApiError) -> bytes:
    """The exception that ends a stream."""
    name = _IN_STREAMS.get(bedrock_error(error).name, "modelStreamErrorException")
    return exception_frame(name, {"message": error.message})


class ConverseEvents:
    """Writes the events of ConverseStream: a block for each stretch of thoughts or text, and for each call."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._begun = False
        self._blocks = 0
        self._open: object = None
        """What the open block holds: `text`, `reasoning`, or the position of a call."""
        self._finish_reason: str | None = None

    def write(self, delta: Delta) -> bytes:
        frames = b""
        if not self._begun:
            self._begun = True
            frames += _frame("messageStart", {"role": "assistant"})
        if delta.reasoning:
            frames += self._delta("reasoning", {"reasoningContent": {"text": delta.reasoning}})
        text = (delta.content or "") + (delta.refusal or "")
        if text:
            frames += self._delta("text", {"text": text})
        for call in delta.calls:
            # A call's first piece has its name; Converse's blocks end before the next one begins.
            if self._open != ("call", call.position):
                frames += self._close()
                start = {"toolUse": {"toolUseId": call.id or "", "name": call.name or ""}}
                frames += _frame("contentBlockStart", {"start": start, "contentBlockIndex": self._blocks})
                self._open = ("call", call.position)
            if call.arguments:
                frames += self._delta(self._open, {"toolUse": {"input": call.arguments}})
        if delta.finish_reason is not None:
            self._finish_reason = delta.finish_reason
        return frames

    def end(self, usage: Usage) -> bytes:
        stop_reason = STOP_REASONS.get(self._finish_reason or "", "end_turn")
        frames = self._close() + _frame("messageStop", {"stopReason": stop_reason})
        metrics = {"latencyMs": latency_ms(self._spec)}
        return frames + _frame("metadata", {"usage": usage_of(usage), "metrics": metrics})

    def fail(self, error: ApiError, request_id: str) -> bytes:
        return _exception(error)

    def _delta(self, kind: object, delta: JsonObject) -> bytes:
        frames = b""
        if self._open != kind:
            frames = self._close()
            self._open = kind
        return frames + _frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._blocks})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        self._blocks += 1
        return _frame("contentBlockStop", {"contentBlockIndex": self._blocks - 1})


class InvokeEvents:
    """Writes the chunks of InvokeModelWithResponseStream in the shape of the request's body."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._first_ms: int | None = None
        openais = in_openais_shape(spec)
        self._chunks: EventWriter | None = None
        if openais is not None:
            dialect, spec = openais
            self._chunks = dialect.event_writer(spec)

    def write(self, delta: Delta) -> bytes:
        if self._first_ms is None:
            self._first_ms = latency_ms(self._spec)
        if self._chunks is not None:
            return b"".join([chunk_frame(data) for data in _documents(self._chunks.write(delta))])
        chunk = {
            "generation": delta.content or "",
            "prompt_token_count": None,
            "generation_token_count": None,
            "stop_reason": delta.finish_reason,
        }
        return chunk_frame(to_json(chunk).encode())

    def end(self, usage: Usage) -> bytes:
        """The usage's chunk, which also has Bedrock's own counts and latencies."""
        latency = latency_ms(self._spec)
        metrics = {
            "inputTokenCount": usage.prompt_tokens,
            "outputTokenCount": usage.completion_tokens,
            "invocationLatency": latency,
            "firstByteLatency": latency if self._first_ms is None else self._first_ms,
        }
        field = f'"{METRICS}": {to_json(metrics)}'.encode()
        if self._chunks is None:
            return chunk_frame(b"{" + field + b"}")
        (last,) = _documents(self._chunks.end(usage))
        return chunk_frame(last.removesuffix(b"}") + b", " + field + b"}")

    def fail(self, error: ApiError, request_id: str) -> bytes:
        return _exception(error)


def _documents(events: bytes) -> list[bytes]:
    """The JSON documents in server-sent events."""
    documents = []
    for event in events.split(b"\n\n"):
        data = event.removeprefix(b"data: ")
        if data and data != b"[DONE]":
            documents.append(data)
    return documents


def _frame(event_type: str, payload: JsonObject) -> bytes:
    return event_frame(event_type, to_json(payload).encode())


def chunk_frame(data: bytes) -> bytes:
    """A frame with a chunk of InvokeModelWithResponseStream."""
    return _frame("chunk", {"bytes": base64.b64encode(data).decode()})
