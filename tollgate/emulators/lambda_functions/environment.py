"""An execution environment: one process of a function, and the Runtime API that it polls."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from pathlib import Path
from typing import Any, Protocol

from tollgate import leftovers
from tollgate.emulators.lambda_functions.runtime_api import InvocationEvent, Report, RuntimeApi

INIT_LIMIT_S = 10.0
"""Lambda's limit for importing a function. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
EVENT_LIMIT_BYTES = 6 * 1024 * 1024
"""Lambda's limit for the event of a web function. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
PAYLOAD_LIMIT_BYTES = 6_291_556
"""Lambda's limit for an event, and for a result, as its error messages have it."""
_BOOTSTRAP = Path(__file__).parent / "runtime" / "bootstrap.py"
_KEPT_LINES = 200


class FunctionError(Exception):
    """Raised when an invocation fails; `payload` is the error object that Lambda answers with."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(f"{payload.get('errorType')}: {payload.get('errorMessage')}")
        self.payload = payload
        self.error_type = str(payload.get("errorType", "Unhandled"))


class LogSink(Protocol):
    """Takes the functions' output."""

    def line(self, function: str, text: str) -> None:
        """A function wrote a line."""

    def failure(self, function: str, lines: list[str]) -> None:
        """An invocation failed; `lines` are all that it wrote."""


class Environment:
    """A process of a function. It starts at once; `start` waits until it is ready.

    `variables` are the process's environment variables, without the Runtime API's address.
    """

    def __init__(
        self, name: str, arn: str, handler: str, directory: Path, variables: dict[str, str], logs: LogSink
    ) -> None:
        self._name = name
        self._arn = arn
        self._logs = logs
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._api = RuntimeApi()
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(_BOOTSTRAP), handler],
            cwd=directory,
            env={**variables, "AWS_LAMBDA_RUNTIME_API": self._api.address},
            process_group=0,  # Ctrl-C is for the runner, which ends its processes itself
            stdin=subprocess.PIPE,  # its end tells the process that the runner is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        leftovers.note_process(self._process)
        self._watcher = threading.Thread(target=self._watch, daemon=True, name=f"watch:{name}")
        self._watcher.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def start(self, patience_s: float) -> None:
        """Wait until the handler is imported and the first poll arrives.

        Raises:
            FunctionError: the module cannot be imported, raises, exits, or takes over ten seconds.
            TimeoutError: the caller waits no longer.
        """
        request_id = str(uuid.uuid4())
        try:
            report = self._api.next_report(min(INIT_LIMIT_S, patience_s))
        except TimeoutError:
            if patience_s < INIT_LIMIT_S:
                raise
            raise self._failed(_timed_out(request_id, INIT_LIMIT_S)) from None
        if report.kind != "ready":
            raise self._failed(self._error_payload(report, request_id))

    def invoke(self, payload: bytes, limit_s: float, patience_s: float) -> Any:
        """Run the handler on one event.

        Raises:
            FunctionError: the handler raised, the process ended, or `limit_s`, the function's own timeout, is over.
            TimeoutError: the caller waits no longer than `patience_s`. The environment is of no use after that.
        """
        request_id = str(uuid.uuid4())
        self._lines.clear()
        self._api.send(InvocationEvent(request_id, payload, int((time.time() + limit_s) * 1000), self._arn))
        try:
            report = self._api.next_report(min(limit_s, patience_s))
        except TimeoutError:
            if patience_s < limit_s:
                raise
            raise self._failed(_timed_out(request_id, limit_s)) from None
        if report.kind != "response":
            raise self._failed(self._error_payload(report, request_id))
        if len(report.body) > PAYLOAD_LIMIT_BYTES:
            message = f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT_BYTES} bytes)."
            raise FunctionError({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message})
        return json.loads(report.body)

    def close(self) -> None:
        """End the process and the server."""
        leftovers.end_process(self._process)
        self._watcher.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._api.close()

    def _watch(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            text = raw.decode(errors="replace").rstrip("\n")
            self._lines.append(text)
            self._logs.line(self._name, text)
        self._process.wait()
        self._api.report(Report("exit"))

    def _error_payload(self, report: Report, request_id: str) -> dict[str, Any]:
        if report.kind == "exit":
            return _exited(request_id, self._process.returncode)
        payload: dict[str, Any] = json.loads(report.body)
        if payload.get("errorType") == "MemoryError":
            # Lambda kills a function at its memory limit; here the allocation fails, so the end is simulated.
            return _out_of_memory(request_id)
        return payload

    def _failed(self, payload: dict[str, Any]) -> FunctionError:
        self._logs.failure(self._name, [*self._lines, f"{payload['errorType']}: {payload['errorMessage']}"])
        return FunctionError(payload)


def _timed_out(request_id: str, limit_s: float) -> dict[str, Any]:
    message = f"RequestId: {request_id} Error: Task timed out after {limit_s:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _exited(request_id: str, code: int) -> dict[str, Any]:
    reason = f"exit status {code}" if code >= 0 else f"signal {-code}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {reason}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def _out_of_memory(request_id: str) -> dict[str, Any]:
    message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return {"errorType": "Runtime.OutOfMemory", "errorMessage": message}
