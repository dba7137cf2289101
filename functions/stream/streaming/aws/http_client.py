"""HTTP/1.1 requests to one endpoint over kept connections, on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools

_READ_BYTES = 64 * 1024
_CONNECT_TIMEOUT_S = 3.0
# Networks on the way forget connections that were idle for minutes, without telling either end.
_IDLE_LIMIT_S = 60.0
_KEPT_CONNECTIONS = 64
# Linux drops a connection whose peer does not acknowledge what was sent, or a keep-alive probe, for so long.
_UNACKNOWLEDGED_LIMIT_MS = 10_000
_PROBE_AFTER_S = 30


class HttpError(Exception):
    """Why a request has no answer.

    ConnectError            no connection
    ConnectionClosedError   the connection ended before the answer did, or what came is not HTTP
    """


class ConnectError(HttpError):
    """When the endpoint cannot be reached."""


class ConnectionClosedError(HttpError):
    """When the connection ends before the answer does; `begun` says whether any of it had come."""

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class HttpClient:
    """POSTs to an endpoint; one connection for each request at a time, kept for the next.

    `url` is the endpoint's scheme, host and port. `clock` is wall-clock time: a function that sleeps between
    invocations may stop the monotonic clock.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the URL of an endpoint: it must be http:// or https:// and a host")
        self.host = parts.netloc
        self._hostname = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = _tls_context() if parts.scheme == "https" else None
        self._clock = clock
        self._idle: list[tuple[float, _Connection]] = []

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """A request to be sent by `async with`, which gives its answer."""
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
        return Exchange(self, head.encode("latin-1") + body)

    def take(self) -> _Connection | None:
        """A kept connection that may still be alive, the latest used first."""
        while self._idle:
            since, connection = self._idle.pop()
            if self._clock() - since < _IDLE_LIMIT_S and not connection.reader.at_eof():
                return connection
            drop(connection)
        return None

    def keep(self, connection: _Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        if len(self._idle) < _KEPT_CONNECTIONS:
            self._idle.append((self._clock(), connection))
        else:
            drop(connection)

    async def connect(self) -> _Connection:
        """Raises ConnectError."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                connection = _Connection(*await asyncio.open_connection(self._hostname, self._port, ssl=self._tls))
        except OSError as error:  # TimeoutError is one
            raise ConnectError(f"no connection to {self.host}: {error or 'it took too long'}") from error
        _notice_dead_peers(connection.writer.get_extra_info("socket"))
        return connection

    def close(self) -> None:
        """Drop the kept connections."""
        for _, connection in self._idle:
            drop(connection)
        self._idle.clear()


class Exchange:
    """One request and its answer; leaving it early closes the connection at once."""

    def __init__(self, client: HttpClient, request: bytes) -> None:
        self._client = client
        self._request = request
        self._connection: _Connection | None = None
        self._answer = Answer()

    async def __aenter__(self) -> Answer:
        """Send the request, and read the head of the answer.

        Raises:
            HttpError: there is no answer, also on a second connection if the first one proved dead.
        """
        try:
            try:
                await self._send(self._client.take() or await self._client.connect())
            except ConnectionClosedError as error:
                if error.begun:
                    raise
                await self._send(await self._client.connect())
        except BaseException:
            self._drop()
            raise
        return self._answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection and self._answer.reusable:
            self._client.keep(self._connection)
        else:
            self._drop()

    async def _send(self, connection: _Connection) -> None:
        self._drop()
        self._connection = connection
        self._answer = Answer()
        # Not drained: an endpoint may answer, and close, before it has read all of a request that it refuses.
        connection.writer.write(self._request)
        await self._answer.read_head(connection.reader)

    def _drop(self) -> None:
        if self._connection:
            drop(self._connection)
            self._connection = None


class Answer:
    """An answer as it comes: `status` and `headers` (names in lower case), then the body in pieces.

    `reusable` says whether it was read to its end, and its connection may serve another.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reusable = False
        self._reader: asyncio.StreamReader | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._begun = False
        self._has_head = False
        self._complete = False
        self._pieces: list[bytes] = []

    async def read_head(self, reader: asyncio.StreamReader) -> None:
        """Raises ConnectionClosedError."""
        self._reader = reader
        while not self._has_head:
            await self._read_more()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body's bytes as they come; raises ConnectionClosedError if they end too early."""
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if self._complete:
                return
            await self._read_more()

    async def read(self) -> bytes:
        """The whole body; raises ConnectionClosedError if it ends too early."""
        return b"".join([piece async for piece in self])

    async def _read_more(self) -> None:
        assert self._reader is not None
        try:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                raise ConnectionClosedError("the connection ended before the answer did", begun=self._begun)
            self._begun = True
            self._parser.feed_data(data)
        except OSError as error:
            raise ConnectionClosedError(f"the connection broke: {error}", begun=self._begun) from error
        except httptools.HttpParserError as error:
            raise ConnectionClosedError(f"the answer is not HTTP: {error}", begun=True) from error

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._complete = True
        # Only now does the parser know.
        self.reusable = self._parser.should_keep_alive()


@cache
def _tls_context() -> ssl.SSLContext:
    """One for all endpoints: reading the certificates takes as long as starting Python."""
    return ssl.create_default_context()


def drop(connection: _Connection) -> None:
    """Close a connection without waiting for anything."""
    connection.writer.transport.abort()


def _notice_dead_peers(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {"TCP_KEEPIDLE": _PROBE_AFTER_S, "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_LIMIT_MS}
    for name, value in options.items():
        if hasattr(socket, name):  # Linux has both
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
