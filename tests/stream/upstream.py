"""Bedrock's bytes, and a service that gives them to the adapter in any pieces, without a socket."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from streaming.aws.http_response import HttpResponse
from tollgate.emulators.bedrock import eventstream


def frames(events: Iterable[Any]) -> bytes:
    """An event stream of the model's JSON."""
    return b"".join(eventstream.chunk(json.dumps(event, ensure_ascii=False).encode()) for event in events)


def http(body: bytes, status: int = 200, headers: str = "", chunk_bytes: int | None = None) -> bytes:
    """The bytes of an HTTP response; with `chunk_bytes` in chunks of so many bytes."""
    head = f"HTTP/1.1 {status} Any\r\n{headers}".encode()
    if chunk_bytes is None:
        return head + b"content-length: %d\r\n\r\n" % len(body) + body
    pieces = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes in pieces, cut at the given places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


class BytesService:
    """Responds to each request with the next list of pieces, which end as a closed connection does."""

    def __init__(self, *responses: list[bytes]) -> None:
        self._responses = list(responses)
        self.requests: list[tuple[str, Mapping[str, str], bytes]] = []

    @asynccontextmanager
    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[HttpResponse]:
        self.requests.append((path, headers, body))
        reader = asyncio.StreamReader()
        feeding = asyncio.create_task(_feed(reader, self._responses.pop(0)))
        response = HttpResponse(reader)
        try:
            await response.read_head()
            yield response
        finally:
            feeding.cancel()


async def _feed(reader: asyncio.StreamReader, pieces: list[bytes]) -> None:
    for piece in pieces:
        reader.feed_data(piece)
        # Until the reader has taken it, so that each piece is a read of its own.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    reader.feed_eof()
