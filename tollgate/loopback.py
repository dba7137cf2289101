"""Loopback: bound ports, and servers of ASGI applications in threads of this process."""

from __future__ import annotations

import logging
import socket
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn

from tollgate.page_guard import guard_asgi

LOOPBACK = "127.0.0.1"
# Requests in flight get one second to end; what is left after this is dropped with the process.
_CLOSE_LIMIT_S = 2.0


class PortInUseError(Exception):
    """Raised when another process already listens on the wanted port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} on {LOOPBACK} is in use: choose another with PORT=")


def listen(port: int) -> socket.socket:
    """Bind a TCP socket on loopback; port 0 takes a free one.

    The protocol is named because asyncio sets TCP_NODELAY only on sockets that say IPPROTO_TCP; without
    it every answer waits 40 ms for a delayed acknowledgement.

    Raises:
        PortInUseError: the port is taken.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port))
    except OSError as error:
        sock.close()
        raise PortInUseError(port) from error
    return sock


class Certificate(NamedTuple):
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


class Server:
    """Serves an ASGI application at `url` until `close`, to programs alone: web pages are refused (page_guard.py).

    When it is constructed, it answers. Pages of `origins` are let in, as page_guard.py says. With a `certificate` it
    speaks TLS.
    """

    def __init__(self, app: Any, port: int = 0, *, origins: str = "", certificate: Certificate | None = None) -> None:
        self._socket = listen(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'http' if certificate is None else 'https'}://{LOOPBACK}:{self.port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                guard_asgi(app, self.port, origins=origins),
                log_level="warning",
                access_log=False,
                # Longer than clients keep idle connections: the side that closes first decides who sees a reset.
                timeout_keep_alive=310,
                timeout_graceful_shutdown=1,
                ssl_certfile=None if certificate is None else certificate.certificate,
                ssl_keyfile=None if certificate is None else certificate.key,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            daemon=True,
            name=f"serve:{self.port}",
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the server ended before it listened")
            time.sleep(0.002)

    def close(self) -> None:
        """Stop listening and wait for the thread to end. Requests that are cut off are no errors to be logged."""
        logger = logging.getLogger("uvicorn.error")
        logger.addFilter(self._is_anothers)
        self._server.should_exit = True
        self._thread.join(timeout=_CLOSE_LIMIT_S)
        if not self._thread.is_alive():
            logger.removeFilter(self._is_anothers)
        self._socket.close()

    def _is_anothers(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread.ident
