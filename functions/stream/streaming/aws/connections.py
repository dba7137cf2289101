"""Opens TCP connections to an endpoint, and keeps them for later requests.

HttpError                   why an HTTP request has no response
  ConnectError              no connection could be opened
  ConnectionClosedError     the connection ended before the response did, or what came is not HTTP
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

_CONNECT_TIMEOUT_S = 3.0
# NAT gateways and firewalls on the way forget connections that were idle for some minutes, without telling either end.
# A request over a forgotten connection may vanish without an error, so connections are given up well before that.
_MAX_IDLE_S = 60.0
_MAX_KEPT = 64
_PROBE_AFTER_S = 30
_UNACKNOWLEDGED_LIMIT_MS = 10_000


class HttpError(Exception):
    """Raised when a request has no response; the classes below say why."""


class ConnectError(HttpError):
    """Raised when no connection to the endpoint can be opened."""


class ConnectionClosedError(HttpError):
    """Raised when the connection ends before the response does; `begun` says whether any byte of it had come."""

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


class Connection(NamedTuple):
    """An open connection, which serves one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def drop(self) -> None:
        """Close the connection at once, without waiting for anything.

        `abort`, not `close`, which would first send what is still buffered and, with TLS, wait for the peer's
        goodbye: a connection is dropped because its peer is dead, or is to stop sending.
        """
        self.writer.transport.abort()


class ConnectionPool:
    """The connections to one host and port.

    `clock` is wall-clock time in seconds: Lambda freezes the process between invocations, and a monotonic clock may
    stand still while a connection grows old (decision 64).
    """

    def __init__(self, hostname: str, port: int, *, tls: bool, clock: Callable[[], float] = time.time) -> None:
        self._hostname = hostname
        self._port = port
        self._tls = _tls_context() if tls else None
        self._clock = clock
        # Each with the time when it became idle, the latest last.
        self._idle: list[tuple[float, Connection]] = []

    def take(self) -> Connection | None:
        """Take a kept connection that may still be alive; None if there is no such connection.

        The one that was used last comes first, since it is the most likely to be alive. `at_eof` knows only of a
        peer's closing that has already arrived: a connection that is taken may still prove dead.
        """
        while self._idle:
            idle_since, connection = self._idle.pop()
            if self._clock() - idle_since < _MAX_IDLE_S and not connection.reader.at_eof():
                return connection
            connection.drop()
        return None

    def keep(self, connection: Connection) -> None:
        """Keep a connection for a later request. Nothing of its last response may be left unread."""
        if len(self._idle) < _MAX_KEPT:
            self._idle.append((self._clock(), connection))
        else:
            connection.drop()

    async def open(self) -> Connection:
        """Open a new connection.

        Raises:
            ConnectError: the host cannot be found, refuses, or does not answer in time.
        """
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(self._hostname, self._port, ssl=self._tls)
        except OSError as error:  # includes TimeoutError, which has no text, and TLS's errors
            reason = str(error) or "it took too long"
            raise ConnectError(f"no connection to {self._hostname}:{self._port}: {reason}") from error
        _notice_dead_peers(writer.get_extra_info("socket"))
        return Connection(reader, writer)


@cache
def _tls_context() -> ssl.SSLContext:
    """The one TLS context of all endpoints: reading the root certificates takes as long as starting Python."""
    return ssl.create_default_context()


def _notice_dead_peers(sock: socket.socket) -> None:
    """Make a connection fail within seconds when its peer vanishes without closing it.

    Left alone, Linux repeats unacknowledged data for about a quarter of an hour, and waits for an answer for ever.

    SO_KEEPALIVE      probes an idle connection, also while it waits for a model's answer
    TCP_KEEPIDLE      sends the first probe after so many seconds (Linux's default: two hours)
    TCP_USER_TIMEOUT  ends a connection when data or a probe is not acknowledged for so many milliseconds

    The last two exist on Linux, where Lambda runs. https://man7.org/linux/man-pages/man7/tcp.7.html
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {"TCP_KEEPIDLE": _PROBE_AFTER_S, "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_LIMIT_MS}
    for name, value in options.items():
        if hasattr(socket, name):
            # A connection whose options cannot be set still works.
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
