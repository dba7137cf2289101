"""Frames of `application/vnd.amazon.eventstream`, in which AWS's services stream.

A frame is a prelude (its length, its headers' length, their CRC-32), headers, a payload, and the CRC-32 of all that.
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Mapping

from tollgate_layer.inference.json_text import JsonObject, to_json

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
_PRELUDE_BYTES = 12
_CHECKSUM_BYTES = 4


def event_frame(event_type: str, payload: bytes, content_type: str = "application/json") -> bytes:
    """A frame that carries one event of a stream."""
    return frame({":event-type": event_type, ":content-type": content_type, ":message-type": "event"}, payload)


def exception_frame(exception_type: str, document: JsonObject) -> bytes:
    """A frame that ends a stream with an exception."""
    headers = {
        ":exception-type": exception_type,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, to_json(document).encode())


KEEP_ALIVE_TYPE = "KeepAlive"
"""No operation has an event of this type, and AWS's SDKs skip those that they do not know."""


def keep_alive_frame() -> bytes:
    """A frame that keeps the connection of a waiting client open."""
    return event_frame(KEEP_ALIVE_TYPE, b"{}")


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame; all headers are texts."""
    encoded = b"".join([_header(name, value) for name, value in headers.items()])
    total = _PRELUDE_BYTES + len(encoded) + len(payload) + _CHECKSUM_BYTES
    lengths = struct.pack("!II", total, len(encoded))
    message = lengths + struct.pack("!I", crc32(lengths)) + encoded + payload
    return message + struct.pack("!I", crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
