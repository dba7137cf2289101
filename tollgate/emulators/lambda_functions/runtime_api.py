"""The Runtime API that a function's process polls.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tollgate.loopback import LOOPBACK


@dataclass(frozen=True, slots=True)
class InvocationEvent:
    """An event for the function's process, which gets it from `next` as JSON, with headers."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str

    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """News of the function's process: `kind` is ready, response, error, init_error or exit; `body` is JSON."""

    kind: str
    body: bytes = b""


class RuntimeApi:
    """The Runtime API of one execution environment; `next_report` reads its reports one by one."""

    def __init__(self) -> None:
        self._invocations: queue.SimpleQueue[InvocationEvent | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._polled = False
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.api = self
        self.address = f"{LOOPBACK}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def send(self, invocation: InvocationEvent) -> None:
        """Answer the next poll with an invocation."""
        self._invocations.put(invocation)

    def report(self, report: Report) -> None:
        """Add a report: the server's, or the news that the process has ended."""
        self._reports.put(report)

    def next_report(self, timeout_s: float) -> Report:
        """Wait for a report. Raises TimeoutError."""
        try:
            return self._reports.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            raise TimeoutError from None

    def next_invocation(self) -> InvocationEvent | None:
        """Block until there is an invocation; None when the environment closes."""
        if not self._polled:
            self._polled = True
            self.report(Report("ready"))
        return self._invocations.get()

    def close(self) -> None:
        """Stop serving."""
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet per answer: with the defaults, Nagle's algorithm and delayed acknowledgements make it 88 ms.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        invocation = self.server.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(200, invocation.payload, invocation.headers())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = self.path.rsplit("/", 1)[1]
        self._answer(202, b"{}", {})
        self.server.api.report(Report("init_error" if self.path.endswith("/init/error") else what, body))

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The runner prints its own line per request."""
