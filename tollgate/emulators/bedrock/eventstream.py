"""Writes what Bedrock and SageMaker stream: events, chunks and exceptions, each a frame.

The frames are the layer's, which answers AWS's clients in them, too; tests/stream/test_event_stream.py reads them with
botocore's decoder and with the streaming function's.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tollgate_layer.inference.aws_frames import CONTENT_TYPE, frame

__all__ = ["CONTENT_TYPE", "chunk", "event", "exception", "frame"]


def event(event_type: str, payload: dict[str, Any]) -> bytes:
    """A frame that carries a member of the operation's event stream as JSON."""
    headers = {":event-type": event_type, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(payload, separators=(",", ":")).encode())


def chunk(data: bytes) -> bytes:
    """A frame of InvokeModelWithResponseStream: the model's bytes in base64."""
    return event("chunk", {"bytes": base64.b64encode(data).decode()})


def exception(exception_type: str, payload: dict[str, Any]) -> bytes:
    """A frame that ends the stream with an exception, whose type is a member of the stream (lowerCamel)."""
    headers = {
        ":exception-type": exception_type,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, json.dumps(payload, separators=(",", ":")).encode())
