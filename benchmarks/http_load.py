"""HTTP clients that hardly read what comes back, so that the server is what they measure."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import psutil

from benchmarks.figures import Figure, figure

CLIENTS = 16


class Timing(NamedTuple):
    """How long one request took, in seconds: to the first token, and to the end of the answer."""

    first: float
    total: float


class Client:
    """One kept connection that sends the same request again and again; it hardly reads what comes back."""

    def __init__(self, port: int, path: str, body: dict[str, Any], headers: str = "") -> None:
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{headers}"
        self._request = f"{head}content-length: {len(content)}\r\n\r\n".encode() + content
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> Timing:
        """One request; raises RuntimeError unless it is answered with 200."""
        started = time.perf_counter()
        self._socket.sendall(self._request)
        received, first = b"", 0.0
        while not _ended(received):
            received += self._socket.recv(65536)
            if not first and b" word" in received:
                first = time.perf_counter() - started
        if b" 200 " not in received[:20]:
            raise RuntimeError(received.decode())
        return Timing(first, time.perf_counter() - started)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _ended(received: bytes) -> bool:
    if received.endswith(b"\r\n0\r\n\r\n"):
        return True
    head, separator, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(separator and length and len(body) == int(length[1]))


def timings(connect: Callable[[], Client], requests: int = 400) -> dict[str, Figure]:
    """The times of one client that sends one request after another, in milliseconds, by the names of `Timing`."""
    client = connect()
    sent = [client.send() for _ in range(requests + 50)][50:]
    client.close()
    return {name: figure([getattr(timing, name) * 1000 for timing in sent]) for name in Timing._fields}


def rate(connect: Callable[[], Client], function: psutil.Process, seconds: float = 4.0) -> tuple[float, float]:
    """Requests per second that 16 clients get answered, one after another each; the function's CPU time for one."""
    before = _cpu_s(function)
    counts: list[int] = []
    until = time.perf_counter() + seconds

    def run() -> None:
        client, count = connect(), 0
        while time.perf_counter() < until:
            client.send()
            count += 1
        counts.append(count)
        client.close()

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) != CLIENTS:
        raise RuntimeError("a client failed: see above")
    return sum(counts) / seconds, (_cpu_s(function) - before) / sum(counts) * 1000


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
