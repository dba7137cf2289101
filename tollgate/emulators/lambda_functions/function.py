"""A function: its settings from the template, and a pool of warm execution environments."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tollgate.emulators.lambda_functions.environment import (
    PAYLOAD_LIMIT_BYTES,
    Environment,
    FunctionError,
    LogSink,
)

if TYPE_CHECKING:
    from pathlib import Path

# Looking at every file of a function takes about a millisecond, so not at every invocation.
_LOOK_AGAIN_S = 0.3
# Lambda starts an environment for every concurrent invocation. Here they share the machine's cores, on which a hundred
# function cold starts at once take longer than waiting for a free environment.
_MOST_ENVIRONMENTS = max(4, 2 * (os.cpu_count() or 1))
# Errors after which Lambda throws the environment away; a handler that raises keeps it.
_FATAL = ("Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout")


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """A function as the template describes it; `timeout_s` and `memory_mb` are its limits."""

    name: str
    arn: str
    handler: str
    code: Path
    layers: tuple[Path, ...] = ()
    packages: tuple[Path, ...] = ()
    """Folders of installed packages: modules are found there, too, and changes in them are not watched for."""
    timeout_s: float = 3.0
    memory_mb: int = 128
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def import_path(self) -> tuple[Path, ...]:
        """Folders in which Python looks for modules: the code, then the layers (built ones keep `python/` too)."""
        folders = [self.code]
        for layer in self.layers:
            packages = layer / "python"
            folders.append(packages if packages.is_dir() else layer)
        return tuple(folders)

    def process_variables(self) -> dict[str, str]:
        """Environment variables of the process: those that Lambda sets, and the template's own."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(str(path) for path in (*self.import_path, *self.packages)),
            "LAMBDA_TASK_ROOT": str(self.code),
            "_HANDLER": self.handler,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            **self.variables,
        }

    def fingerprint(self) -> int:
        """A number that changes when a file of the code or of a layer does."""
        newest = count = 0
        for root in self.import_path:
            for directory, _, names in os.walk(root):
                if "__pycache__" in directory:
                    continue
                for name in names:
                    newest = max(newest, os.stat(os.path.join(directory, name)).st_mtime_ns)  # noqa: PTH116, PTH118
                    count += 1
        return hash((newest, count))


class Function:
    """Invokes a handler in environments that are kept warm, and are replaced when the code changes."""

    def __init__(self, settings: FunctionSettings, logs: LogSink) -> None:
        self.settings = settings
        self._logs = logs
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_MOST_ENVIRONMENTS)
        self._fingerprint = settings.fingerprint()
        self._looked_s = time.monotonic()
        self.cold_starts = 0

    def invoke(self, event: Any, patience_s: float = float("inf")) -> Any:
        """Run the handler on an event and return its result; both are plain JSON.

        Raises:
            FunctionError: what Lambda would answer with the header X-Amz-Function-Error.
            TimeoutError: the caller waits no longer than `patience_s`, which is less than the function's own timeout.
        """
        payload = json.dumps(event, separators=(",", ":")).encode()
        if len(payload) > PAYLOAD_LIMIT_BYTES:
            message = f"{len(payload)} byte payload is too large for the RequestResponse invocation type"
            raise FunctionError({"errorType": "Lambda.RequestTooLargeException", "errorMessage": message})
        until_s = time.monotonic() + patience_s
        if not self._places.acquire(timeout=min(patience_s, threading.TIMEOUT_MAX)):
            raise TimeoutError
        try:
            return self._invoke(payload, until_s)
        finally:
            self._places.release()

    def close(self) -> None:
        """End every process of the function."""
        with self._lock:
            environments, self._idle, self._busy = [*self._idle, *self._busy], [], set()
        for environment in environments:
            environment.close()

    def _invoke(self, payload: bytes, until_s: float) -> Any:
        environment = self._take(until_s)
        reusable = False
        try:
            result = environment.invoke(payload, self.settings.timeout_s, until_s - time.monotonic())
            reusable = True
        except FunctionError as error:
            reusable = error.error_type not in _FATAL
            raise
        finally:
            self._give_back(environment, reusable)
        return result

    def _take(self, until_s: float) -> Environment:
        self._drop_outdated()
        with self._lock:
            while self._idle:
                environment = self._idle.pop()
                if environment.alive:
                    self._busy.add(environment)
                    return environment
                environment.close()
        return self._start(until_s)

    def _start(self, until_s: float) -> Environment:
        settings = self.settings
        environment = Environment(
            settings.name,
            settings.arn,
            settings.handler,
            settings.code,
            settings.process_variables(),
            self._logs,
        )
        with self._lock:
            self._busy.add(environment)
            self.cold_starts += 1
        try:
            environment.start(until_s - time.monotonic())
        except (FunctionError, TimeoutError):
            self._give_back(environment, reusable=False)
            raise
        return environment

    def _give_back(self, environment: Environment, reusable: bool) -> None:
        with self._lock:
            if environment not in self._busy:  # closed or outdated meanwhile
                reusable = False
            self._busy.discard(environment)
            if reusable:
                self._idle.append(environment)
        if not reusable:
            environment.close()

    def _drop_outdated(self) -> None:
        """Close the idle environments when the code changed; busy ones are closed when they are done."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._looked_s < _LOOK_AGAIN_S:
                return
            self._looked_s = now_s
            fingerprint = self.settings.fingerprint()
            if fingerprint == self._fingerprint:
                return
            self._fingerprint = fingerprint
            outdated, self._idle, self._busy = self._idle, [], set()
        for environment in outdated:
            environment.close()
