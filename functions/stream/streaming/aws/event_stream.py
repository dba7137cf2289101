"""Decodes the frames of `application/vnd.amazon.eventstream` from bytes that may be split anywhere.

Each frame is, with integers in network byte order:

    total length (4 bytes) | headers' length (4) | CRC-32 of both (4) | headers | payload | CRC-32 of all before (4)

and each header:

    name's length (1) | name | value's type (1) | value's length (2), for strings and byte arrays only | value

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
https://smithy.io/2.0/aws/amazon-eventstream.html

The embedded Bedrock encodes such frames in `tollgate/emulators/bedrock/eventstream.py`. The two are separate, because
what is deployed does not import `tollgate`; a property test holds them to each other, and both to botocore.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Iterator
from typing import NamedTuple

_PRELUDE = struct.Struct("!III")
_CHECKSUM = struct.Struct("!I")
_LENGTH = struct.Struct("!H")
_BYTE_ARRAY = 6
_STRING = 7
_VARIABLE_TYPES = (_BYTE_ARRAY, _STRING)
# The sizes of the other types' values: true, false, byte, short, integer, long, timestamp, UUID.
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
# A chunk carries at most 1,000,000 bytes of the model's, in base64 and with headers. A longer frame is damaged, and
# waiting for its end would only fill the memory.
_MAX_FRAME_BYTES = 16 * 1024 * 1024


class EventStreamError(Exception):
    """Raised when bytes are not frames: a checksum does not match, or a length is impossible."""


class Frame(NamedTuple):
    """One message. `headers` holds those whose values are strings; others are skipped."""

    headers: dict[str, str]
    payload: bytes


class FrameReader:
    """Turns bytes into frames, however the bytes are split.

    Example::

        reader = FrameReader()
        async for data in response:
            for frame in reader.feed(data):
                print(frame.headers, frame.payload)
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def inside_a_frame(self) -> bool:
        """Whether an unfinished frame is waiting for the rest of its bytes. At the end of a stream: it was cut off."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes.

        Raises:
            EventStreamError: the bytes are not frames. The whole frames before them are yielded first.
        """
        self._buffer += data
        while len(self._buffer) >= _PRELUDE.size:
            total, headers_length, checksum = _PRELUDE.unpack_from(self._buffer)
            # The lengths have a checksum of their own, so that a damaged one is not waited for.
            if crc32(self._buffer[:8]) != checksum or not _are_possible(total, headers_length):
                raise EventStreamError(f"a frame's prelude is damaged: {total} bytes, {headers_length} in headers")
            if len(self._buffer) < total:
                return
            message = bytes(self._buffer[:total])
            del self._buffer[:total]
            yield _decode(message, headers_length)


def _are_possible(total: int, headers_length: int) -> bool:
    return _PRELUDE.size + headers_length + _CHECKSUM.size <= total <= _MAX_FRAME_BYTES


def _decode(message: bytes, headers_length: int) -> Frame:
    end = len(message) - _CHECKSUM.size
    if crc32(message[:end]) != _CHECKSUM.unpack_from(message, end)[0]:
        raise EventStreamError("a frame's checksum does not match")
    start = _PRELUDE.size + headers_length
    try:
        headers = dict(_string_headers(message[_PRELUDE.size : start]))
    except (IndexError, KeyError, UnicodeDecodeError, struct.error) as error:
        raise EventStreamError("a frame's headers cannot be read") from error
    return Frame(headers, message[start:end])


def _string_headers(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the headers whose values are strings."""
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        name = data[at + 1 : name_end]
        value_type = data[name_end]
        value_start = name_end + 1
        if value_type in _VARIABLE_TYPES:
            (size,) = _LENGTH.unpack_from(data, value_start)
            value_start += _LENGTH.size
        else:
            size = _FIXED_SIZES[value_type]
        value_end = value_start + size
        if value_type == _STRING:
            yield name.decode(), data[value_start:value_end].decode()
        at = value_end
    # Reading past the end raises by itself, except that a slice is merely shorter.
    if at > len(data):
        raise IndexError("the last header's value is cut off")
