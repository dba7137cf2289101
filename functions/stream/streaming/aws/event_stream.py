"""Frames of `application/vnd.amazon.eventstream`, from bytes that are split anywhere.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream

    total length | headers length | CRC-32 of both | headers | payload | CRC-32 of all before
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Iterator
from typing import NamedTuple

_PRELUDE = struct.Struct("!III")
_CHECKSUM = struct.Struct("!I")
_LENGTH = struct.Struct("!H")
_STRING = 7
# Sizes of the values of header types 0 to 9; byte arrays and strings say their own.
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_VARIABLE_TYPES = (6, _STRING)
# A frame holds one event of at most 1,000,000 bytes, in base64 and with headers.
_MAX_FRAME_BYTES = 16 * 1024 * 1024


class EventStreamError(Exception):
    """When bytes are not frames: a checksum does not match, or a length cannot be."""


class Frame(NamedTuple):
    """One message; only headers that are strings are kept."""

    headers: dict[str, str]
    payload: bytes


class FrameReader:
    """Feed it bytes as they come; it gives each frame once it is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def inside_a_frame(self) -> bool:
        """Whether bytes of an unfinished frame are waiting for the rest."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes.

        Raises:
            EventStreamError: the bytes are not frames.
        """
        self._buffer += data
        while len(self._buffer) >= _PRELUDE.size:
            total, headers_length, checksum = _PRELUDE.unpack_from(self._buffer)
            if crc32(self._buffer[:8]) != checksum or not _possible(total, headers_length):
                raise EventStreamError(f"a frame's prelude is damaged: {total} bytes, {headers_length} in headers")
            if len(self._buffer) < total:
                return
            message = bytes(self._buffer[:total])
            del self._buffer[:total]
            yield _decode(message, headers_length)


def _possible(total: int, headers_length: int) -> bool:
    return _PRELUDE.size + headers_length + _CHECKSUM.size <= total <= _MAX_FRAME_BYTES


def _decode(message: bytes, headers_length: int) -> Frame:
    end = len(message) - _CHECKSUM.size
    if crc32(message[:end]) != _CHECKSUM.unpack_from(message, end)[0]:
        raise EventStreamError("a frame's checksum does not match")
    start = _PRELUDE.size + headers_length
    try:
        headers = dict(_headers(message[_PRELUDE.size : start]))
    except (IndexError, KeyError, UnicodeDecodeError, struct.error) as error:
        raise EventStreamError("a frame's headers cannot be read") from error
    return Frame(headers, message[start:end])


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        kind = data[name_end]
        value = name_end + 1
        if kind in _VARIABLE_TYPES:
            (size,) = _LENGTH.unpack_from(data, value)
            value += _LENGTH.size
        else:
            size = _FIXED_SIZES[kind]
        if kind == _STRING:
            yield data[at + 1 : name_end].decode(), data[value : value + size].decode()
        at = value + size
    if at > len(data):
        raise IndexError("the last header's value is cut off")
