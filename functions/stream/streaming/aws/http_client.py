"""Sends HTTP/1.1 requests to one endpoint over kept connections, on asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from streaming.aws.connections import Connection, ConnectionClosedError, ConnectionPool
from streaming.aws.http_response import HttpResponse


class HttpClient:
    """Sends POSTs to the endpoint at `url` (scheme, host and port).

    Requests at the same time have connections of their own; a connection is kept for the next request once its
    response was read to the end. `clock` is wall-clock time in seconds, see `ConnectionPool`.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the URL of an endpoint: it must be http:// or https:// and a host")
        self.host = parts.netloc
        tls = parts.scheme == "https"
        default_port = 443 if tls else 80
        self.connections = ConnectionPool(parts.hostname, parts.port or default_port, tls=tls, clock=clock)

    @asynccontextmanager
    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[HttpResponse]:
        """Send a POST, and yield its response as soon as the headers are there.

        Leaving the block before the end of the response closes the connection at once, which tells the endpoint that
        nobody waits for the rest::

            async with client.post("/", {"host": client.host}, b"{}") as response:
                print(response.status, await response.read())

        Raises:
            HttpError: there is no response, also not over a second connection.
        """
        connection, response = await self._send(_encode_request(path, headers, body))
        try:
            yield response
        finally:
            # After a response that was left early, its rest would be taken for the next one.
            if response.reusable:
                self.connections.keep(connection)
            else:
                connection.drop()

    async def _send(self, request: bytes) -> tuple[Connection, HttpResponse]:
        """Send a request over a kept connection or a new one; read the head of the response.

        The endpoint may have closed a kept connection in the meantime, which may show only when it is used. So a
        request whose connection ends before any byte of a response is sent once more, over a new connection. After
        the first byte it is not: the endpoint has then taken the request, and the failure is the caller's to judge.
        """
        try:
            return await _exchange(self.connections.take() or await self.connections.open(), request)
        except ConnectionClosedError as error:
            if error.begun:
                raise
        return await _exchange(await self.connections.open(), request)


def _encode_request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


async def _exchange(connection: Connection, request: bytes) -> tuple[Connection, HttpResponse]:
    response = HttpResponse(connection.reader)
    try:
        # Not drained: an endpoint that refuses a request may respond, and close, before it has read all of it.
        # Waiting until everything is sent would then fail, and the response would be lost.
        connection.writer.write(request)
        await response.read_head()
    except BaseException:  # also when the task is cancelled
        connection.drop()
        raise
    return connection, response
