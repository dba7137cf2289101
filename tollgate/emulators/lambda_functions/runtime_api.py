"""The Runtime API that a function's process polls.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import queue
import secrets
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tollgate.loopback import LOOPBACK
from tollgate.page_guard import refusal

_RUNTIME = "/2018-06-01/runtime"
_INIT_ERROR = f"{_RUNTIME}/init/error"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


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
    """The Runtime API of one execution environment; `next_report` reads its reports one by one.

    Its paths begin with a secret, which only the environment's process is told: on AWS nobody else reaches the API, but
    here every program and web page of the machine can send requests to its port.

    Attributes:
        address: host, port and secret, for AWS_LAMBDA_RUNTIME_API; a client puts the API's paths behind it.
    """

    def __init__(self) -> None:
        self._invocations: queue.SimpleQueue[InvocationEvent | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._polled = False
        self._unanswered: set[str] = set()
        self._prefix = f"/{secrets.token_urlsafe(24)}"
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.api = self
        self.address = f"{LOOPBACK}:{self._server.server_address[1]}{self._prefix}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def send(self, invocation: InvocationEvent) -> None:
        """Answer the next poll with an invocation."""
        self._unanswered.add(invocation.request_id)
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

    def is_next(self, path: str) -> bool:
        """Whether a path asks for the next invocation."""
        return path == f"{self._prefix}{_RUNTIME}/invocation/next"

    def report_kind(self, path: str, error_type: str | None) -> str | None:
        """What a POST to a path reports: `response`, `error` or `init_error`; None for what is not taken.

        A result is taken once, and only for a request id that was handed out. `error_type` is the value of the header
        with which a function says how it failed.
        """
        if path == self._prefix + _INIT_ERROR:
            return "init_error"
        # Amazon's client reports a failed import without the secret: it connects by host and port alone. No web page
        # can send its header, since no answer here allows one.
        if path == _INIT_ERROR and error_type is not None and not self._polled:
            return "init_error"
        for kind in ("response", "error"):
            for request_id in self._unanswered:
                if path == f"{self._prefix}{_RUNTIME}/invocation/{request_id}/{kind}":
                    self._unanswered.discard(request_id)
                    return kind
        return None

    def next_invocation(self) -> InvocationEvent | None:
        """Block until there is an invocation; None when the environment closes."""
        if not self._polled:
            self._polled = True
            self.report(Report("ready"))
        return self._invocations.get()

    def close(self) -> None:
        """Stop serving."""
        self._invocations.put(None)
        # The server looks for its end every tenth of a second. Nobody has to wait for that.
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not print a traceback when a connection breaks, as it does whenever the function's process ends."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet per answer: with the defaults, Nagle's algorithm and delayed acknowledgements make it 88 ms.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self._is_refused() or not self.server.api.is_next(self.path):
            self._refuse()
            return
        invocation = self.server.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(200, invocation.payload, invocation.headers())

    def do_POST(self) -> None:
        kind = None
        if not self._is_refused():
            kind = self.server.api.report_kind(self.path, self.headers.get(_ERROR_TYPE))
        if kind is None:
            self._refuse()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(202, b"{}", {})
        self.server.api.report(Report(kind, body))

    def _is_refused(self) -> bool:
        return refusal(self.headers.items(), self.server.server_address[1]) is not None

    def _refuse(self) -> None:
        self.close_connection = True
        self._answer(403, b'{"errorMessage": "This is the Runtime API of another process."}', {"Connection": "close"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The runner prints its own line per request."""
