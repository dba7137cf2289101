"""The streams of endpoints: PayloadPart frames, which carry what the container writes.

TGI writes server-sent events, LMI a JSON document a line. A client may ask for either by X-Amzn-SageMaker-Accept.
"""

from __future__ import annotations

from tollgate_layer.inference.aws_frames import event_frame, exception_frame
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter, aws
from tollgate_layer.inference.dialects.sagemaker_text import details
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject, to_json


def streams_lines(spec: CompletionSpec) -> bool:
    """Whether a stream is lines of JSON, as LMI's is, or server-sent events; a client may choose."""
    accept: str = (spec.kept or {}).get("accept", "")
    return "jsonlines" in accept or (spec.container == "lmi" and "event-stream" not in accept)


class EndpointEvents:
    """Writes the frames of one stream."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._lines = streams_lines(spec)
        openais = aws.in_openais_shape(spec)
        self._chunks: EventWriter | _TextEvents = _TextEvents(spec)
        if openais is not None:
            dialect, spec = openais
            self._chunks = dialect.event_writer(spec)

    def write(self, delta: Delta) -> bytes:
        return self._parts(self._chunks.write(delta))

    def end(self, usage: Usage) -> bytes:
        return self._parts(self._chunks.end(usage))

    def fail(self, error: ApiError, request_id: str) -> bytes:
        code = "ModelInvocationTimeExceeded" if error.code == "timeout" else "StreamBroken"
        return exception_frame("ModelStreamError", {"Message": error.message, "ErrorCode": code})

    def _parts(self, events: bytes) -> bytes:
        """The events, a frame each; as lines of JSON they lose what makes them server-sent events."""
        frames = b""
        for event in events.split(b"\n\n"):
            if not event:
                continue
            payload = event + b"\n\n"
            if self._lines:
                data = event.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    continue
                payload = data + b"\n"
            frames += event_frame("PayloadPart", payload, "application/octet-stream")
        return frames


class _TextEvents:
    """The events of an answer to `inputs`: a token each, and the whole text with the last one."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._pieces: list[str] = []
        self._finish_reason: str | None = None

    def write(self, delta: Delta) -> bytes:
        if delta.finish_reason is not None:
            self._finish_reason = delta.finish_reason  # told with the last event, which the usage belongs to
        if not delta.content:
            return b""
        self._pieces.append(delta.content)
        return _event({"token": self._token(delta.content), "generated_text": None, "details": None})

    def end(self, usage: Usage) -> bytes:
        text = (self._spec.kept or {}).get("prompt", "") + "".join(self._pieces)
        last = {"token": self._token(""), "generated_text": text, "details": details(self._finish_reason, usage)}
        return _event(last)

    def _token(self, text: str) -> JsonObject:
        # Nobody tells us the ids; LMI and TGI write the other name differently.
        logprob = "log_prob" if self._spec.container == "lmi" else "logprob"
        return {"id": -1, "text": text, logprob: 0, "special": not text}


def _event(document: JsonObject) -> bytes:
    return f"data:{to_json(document)}\n\n".encode()
