"""Web functions: applications behind the Lambda Web Adapter.

https://github.com/awslabs/aws-lambda-web-adapter: the adapter starts the handler, a script, waits until it answers, and
turns invocations into HTTP requests. Here the runner takes the adapter's place. On Lambda an application gets one
request at a time; here one process gets all of them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from tollgate import page_guard
from tollgate.emulators.lambda_functions.environment import INIT_LIMIT_S, FunctionError, LogSink
from tollgate.loopback import LOOPBACK
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from tollgate.emulators.lambda_functions.function import FunctionSettings

ADAPTER_WRAPPER = "/opt/bootstrap"
_SUPERVISOR = Path(__file__).parent / "runtime" / "supervise.py"
_GUARD_FOLDER = Path(__file__).parent / "runtime" / "web_guard"
_POLL_S = 0.02
# A process ends within milliseconds, unless it is busy closing what it has open.
_ENDING_LIMIT_S = 2.0


class WebFunction:
    """A function that is a web application. It starts at the first request, and again when its code changes or it ends.

    Raises:
        DefinitionError: the handler is no script that can be run.
    """

    def __init__(self, settings: FunctionSettings, logs: LogSink) -> None:
        script = settings.code / settings.handler
        if not os.access(script, os.X_OK):
            raise DefinitionError(f"{settings.name}: Handler {settings.handler}", f"{script} is no executable file")
        self.settings = settings
        self._script = script
        self._logs = logs
        self._lock = threading.Lock()
        self._application: _Application | None = None
        self._fingerprint = 0

    def url(self) -> str:
        """The base URL of the application, which is started if it does not run.

        Raises:
            FunctionError: the application ends, or does not answer within ten seconds.
        """
        with self._lock:
            fingerprint = self.settings.fingerprint()
            if self._application is None or not self._application.alive or fingerprint != self._fingerprint:
                if self._application is not None:
                    self._application.close()
                self._fingerprint = fingerprint
                self._application = _Application(self.settings, self._script, self._logs)
            return self._application.wait_until_ready()

    def connection_broke(self, url: str) -> None:
        """Find out whether the application at `url` is ending, once a connection to it broke; if so, drop it.

        A process that is ending accepts connections for some milliseconds more, and closes them unanswered. So the
        next request may not be sent before it is known whether the process still answers or has ended: `url` waits
        as long as this takes.
        """
        with self._lock:
            application = self._application
            # Several requests may find the same: the first replaces the application, the others leave the new one.
            if application is not None and application.url == url and not application.still_answers():
                application.close()
                self._application = None

    def close(self) -> None:
        """End the application."""
        with self._lock:
            if self._application is not None:
                self._application.close()
                self._application = None


class _Application:
    """One process of the application, under a supervisor that ends it when the runner ends."""

    def __init__(self, settings: FunctionSettings, script: Path, logs: LogSink) -> None:
        self._settings = settings
        self._logs = logs
        self._lines: deque[str] = deque(maxlen=200)
        self._ready = False
        self._port = _free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(_SUPERVISOR), str(script)],
            cwd=settings.code,
            env=self._variables(),
            process_group=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self) -> str:
        until_s = time.monotonic() + INIT_LIMIT_S
        while not self._ready:
            self._ready = self._answers()
            if self._ready:
                break
            if not self.alive or time.monotonic() > until_s:
                unanswered = f"no answer at {self.url} within {INIT_LIMIT_S:.0f} s"
                reason = unanswered if self.alive else "the application ended"
                self._logs.failure(self._settings.name, [*self._lines, reason])
                raise FunctionError({"errorType": "Runtime.ExitError", "errorMessage": reason})
            time.sleep(_POLL_S)
        return self.url

    def still_answers(self) -> bool:
        """Whether it goes on answering requests; waits while it does neither that nor end."""
        until_s = time.monotonic() + _ENDING_LIMIT_S
        while self.alive and time.monotonic() < until_s:
            try:
                self._probe()
                return True
            except TimeoutError:
                return True  # it is busy: a process that is ending would have closed the connection
            except (OSError, HTTPException):
                time.sleep(_POLL_S)
        return False

    def close(self) -> None:
        # The supervisor kills the application when its input ends.
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._watcher.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _variables(self) -> dict[str, str]:
        variables = self._settings.process_variables()
        # The script calls `python`, which must be the one that has the packages.
        path = os.pathsep.join((str(Path(sys.executable).parent), variables["PATH"]))
        return {
            **variables,
            "PATH": path,
            "PORT": str(self._port),
            "AWS_LWA_PORT": str(self._port),
            # Python's first module in the process, which refuses web pages: runtime/web_guard/sitecustomize.py.
            "PYTHONPATH": os.pathsep.join((str(_GUARD_FOLDER), variables["PYTHONPATH"])),
            "TOLLGATE_PAGE_GUARD": page_guard.__file__,
        }

    def _answers(self) -> bool:
        try:
            return self._probe() < 500
        except (OSError, HTTPException):
            return False

    def _probe(self) -> int:
        """The status of the readiness check.

        Raises:
            TimeoutError: the connection is taken, and no answer comes.
            OSError, HTTPException: the connection is refused or breaks.
        """
        connection = HTTPConnection(LOOPBACK, self._port, timeout=1)
        try:
            connection.request("GET", self._settings.variables.get("AWS_LWA_READINESS_CHECK_PATH", "/"))
            return connection.getresponse().status
        finally:
            connection.close()

    def _watch(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            text = raw.decode(errors="replace").rstrip("\n")
            self._lines.append(text)
            self._logs.line(self._settings.name, text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
