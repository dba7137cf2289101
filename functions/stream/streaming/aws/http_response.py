"""Reads one HTTP/1.1 response from a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httptools

from streaming.aws.connections import ConnectionClosedError

_READ_BYTES = 64 * 1024


class HttpResponse:
    """An HTTP response while it arrives.

    `read_head` fills in `status` and `headers` (names in lower case). The body is read after it, either in pieces,
    by `async for`, or at once, by `read`.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reusable = False
        """Whether the response was read to its end, and its connection may serve another request."""
        self._reader = reader
        self._parser = httptools.HttpResponseParser(self)
        self._begun = False
        self._has_head = False
        self._complete = False
        self._pieces: list[bytes] = []

    async def read_head(self) -> None:
        """Read the status and the headers.

        Raises:
            ConnectionClosedError: the connection ends before the end of the headers.
        """
        while not self._has_head:
            await self._read_more()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes as they come.

        Raises:
            ConnectionClosedError: the connection ends before the body does.
        """
        while True:
            # Reading the head may have brought the beginning of the body, or all of it.
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if self._complete:
                return
            await self._read_more()

    async def read(self) -> bytes:
        """Read the whole body.

        Raises:
            ConnectionClosedError: the connection ends before the body does.
        """
        return b"".join([piece async for piece in self])

    async def _read_more(self) -> None:
        try:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                raise ConnectionClosedError("the connection ended before the response did", begun=self._begun)
            self._begun = True
            self._parser.feed_data(data)
        except OSError as error:
            raise ConnectionClosedError(f"the connection broke: {error}", begun=self._begun) from error
        except httptools.HttpParserError as error:
            raise ConnectionClosedError(f"the response is not HTTP: {error}", begun=True) from error

    # The parser calls these methods, by their names, from within `feed_data`.
    # https://github.com/MagicStack/httptools#apis

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._complete = True
        # Only at the end does the parser know whether the connection can go on.
        self.reusable = self._parser.should_keep_alive()
