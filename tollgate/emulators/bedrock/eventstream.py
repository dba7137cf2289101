"""Writes frames of `application/vnd.amazon.eventstream`.

A frame is a prelude (its length, its headers' length, their CRC-32), headers, a payload, and the CRC-32 of all that.
The streaming function decodes such frames in `functions/stream/streaming/aws/event_stream.py`. What is deployed does
not import this package, so the two are separate; a property test in `tests/stream/test_event_stream.py` holds them to
each other.
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

from __future__ import annotations

import base64
import json
import struct
from binascii import crc32
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
_PRELUDE_BYTES = 12
_CHECKSUM_BYTES = 4


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame; all headers are strings."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    total = _PRELUDE_BYTES + len(encoded) + len(payload) + _CHECKSUM_BYTES
    lengths = struct.pack("!II", total, len(encoded))
    message = b"".join((lengths, struct.pack("!I", crc32(lengths)), encoded, payload))
    return message + struct.pack("!I", crc32(message))


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


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
