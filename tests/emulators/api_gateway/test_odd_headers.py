"""Odd headers and bodies: a buffered and a streamed operation come to the same verdict."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.path

BUFFERED, STREAMED = b"/run", b"/stream/state"


def _status(url: str, path: bytes, headers: list[bytes], body: bytes = b'{"do": "greet"}') -> int:
    """The status of a request that is sent byte by byte as given, which HTTP clients would not do."""
    place = urlsplit(url)
    head = [b"POST " + path + b" HTTP/1.1", b"Host: " + place.netloc.encode(), b"Connection: close", *headers]
    head.append(b"Content-Length: " + str(len(body)).encode())
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(b"\r\n".join([*head, b"", body]))
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return int(answer.split(b" ", 2)[1])


def _both(runner, headers, body=b'{"do": "greet"}') -> tuple[bool, bool]:
    """Whether each of the two operations takes the request."""
    buffered, streamed = (_status(runner.url, path, headers, body) for path in (BUFFERED, STREAMED))
    return buffered < 300, streamed < 300


KEY = b"Authorization: Bearer tollgate-local"
JSON = b"Content-Type: application/json"


@pytest.mark.parametrize(
    "headers",
    [
        [KEY, JSON],
        [KEY + b"   ", JSON],
        [KEY + b"\t \t", JSON],
        [b"Authorization:   Bearer tollgate-local", JSON],
        [KEY, JSON + b"  "],
        [KEY, JSON, b"X-Name: J\xf6rg \xff"],
        [KEY, JSON, b"X-Name: \xe2\x9c\x85"],
        [KEY, JSON, b"X-Empty:"],
        [KEY, b"Content-Type: text/plain", JSON],
        [b"Authorization: Bearer nobody", KEY, JSON],
    ],
)
def test_what_one_operation_takes_the_other_takes(runner, headers):
    assert _both(runner, headers) == (True, True)


@pytest.mark.parametrize(
    "headers", [[b"authorization: BEARER tollgate-local", JSON], [KEY, b"Authorization: x", JSON], [JSON]]
)
def test_what_one_operation_refuses_the_other_refuses(runner, headers):
    assert _both(runner, headers) == (False, False)


def test_bytes_that_are_no_text_arrive_as_replacement_characters(runner, client):
    body = json.dumps({"do": "greet"}).encode()[:-1] + b', "x": "\xff"}'

    assert _both(runner, [KEY, JSON], body) == (True, True)
    assert client.post("/stream/a", content=b"\xff").json()["bytes"] == 3
