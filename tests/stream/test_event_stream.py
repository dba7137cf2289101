"""Frames of an event stream, against botocore's reading of the same bytes."""

from __future__ import annotations

import struct
from binascii import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from streaming.aws.event_stream import EventStreamError, FrameReader
from tests.stream.upstream import split
from tollgate.emulators.bedrock import eventstream

# Values of every header type but strings, as botocore's own encoder-less tests of the format describe them.
OTHER_HEADERS = [
    b"\x00",
    b"\x01",
    b"\x02\x7f",
    b"\x03\x00\x01",
    b"\x04\x00\x00\x00\x01",
    b"\x05" + bytes(8),
    b"\x06\x00\x03abc",
    b"\x08" + bytes(8),
    b"\x09" + bytes(16),
]


def frame(headers: bytes, payload: bytes = b"") -> bytes:
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return message + struct.pack("!I", crc32(message))


def read(pieces):
    reader = FrameReader()
    return [item for piece in pieces for item in reader.feed(piece)], reader


def read_by_botocore(data):
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(event.headers, event.payload) for event in buffer]


names = st.text("abc:-", min_size=1, max_size=20)
messages = st.lists(st.tuples(st.dictionaries(names, st.text(max_size=30), max_size=4), st.binary(max_size=200)))


@given(messages=messages, cuts=st.lists(st.integers(0, 2**20), max_size=20))
def test_any_frames_in_any_pieces_are_read_as_botocore_reads_them(messages, cuts):
    data = b"".join(eventstream.frame(headers, payload) for headers, payload in messages)

    found, reader = read(split(data, cuts))

    assert [tuple(item) for item in found] == read_by_botocore(data) == messages
    assert not reader.inside_a_frame


def test_headers_of_other_types_are_passed_over():
    others = b"".join(b"\x01%c" % (97 + at) + value for at, value in enumerate(OTHER_HEADERS))
    data = frame(others + b"\x01z\x07\x00\x02ok", b"payload")

    (found,), _ = read([data])

    assert found == ({"z": "ok"}, b"payload")
    assert len(read_by_botocore(data)[0][0]) == len(OTHER_HEADERS) + 1


def test_an_unfinished_frame_is_noticed():
    data = eventstream.chunk(b"{}")

    found, reader = read([data[:-1]])

    assert found == []
    assert reader.inside_a_frame


@given(at=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_a_frame(at, bit):
    data = bytearray(eventstream.chunk(b'{"a": 1}'))
    data[at % len(data)] ^= 1 << bit

    with pytest.raises(EventStreamError):
        read([bytes(data)])


@pytest.mark.parametrize("headers", [b"\x01a\x0a", b"\x05a", b"\x01a\x07\x00\xff", b"\x01\xff\x07\x00\x00", b"\x01"])
def test_headers_that_cannot_be_read_are_an_error(headers):
    with pytest.raises(EventStreamError):
        read([frame(headers)])


@pytest.mark.parametrize("lengths", [(15, 0), (16, 1), (2**31, 0)])
def test_lengths_that_cannot_be_are_an_error_at_once(lengths):
    prelude = struct.pack("!II", *lengths)

    with pytest.raises(EventStreamError, match="prelude"):
        read([prelude + struct.pack("!I", crc32(prelude))])
