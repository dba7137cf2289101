"""Reports to the runner's user: a line per request, and with `--verbose` each state and the functions' output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.emulators.step_functions import Execution

_LONGEST_VALUE = 2000


def _to_stderr(text: str) -> None:
    sys.stderr.write(text + "\n")


class Quiet:
    """Reports only failures of functions and executions, and problems inside the runner."""

    def __init__(self, write: Callable[[str], None] = _to_stderr) -> None:
        self._write = write

    def request(self, method: str, path: str, status: int, seconds: float, problem: str | None) -> None:
        """Note that a request is answered."""
        if problem is not None:
            self._write(f"{method} {path}: {problem}")

    def execution(self, execution: Execution) -> None:
        """Note that an execution is over; one that failed is reported with its cause, which its client is not told."""
        if execution.error is not None:
            self._write(f"execution {execution.status}: {execution.error}: {_cut(execution.cause or '')}")

    def line(self, function: str, text: str) -> None:
        """Note that a function wrote a line."""

    def failure(self, function: str, lines: list[str]) -> None:
        """Note that a function failed."""
        for text in lines:
            self._write(f"[{function}] {text}")


class Console(Quiet):
    """Reports on the terminal of `tollgate dev`."""

    def __init__(self, verbose: bool, write: Callable[[str], None]) -> None:
        super().__init__(write)
        self._verbose = verbose

    def request(self, method: str, path: str, status: int, seconds: float, problem: str | None) -> None:
        super().request(method, path, status, seconds, problem)
        self._write(f"{method} {path} {status} {seconds * 1000:.0f} ms")

    def execution(self, execution: Execution) -> None:
        super().execution(execution)
        if not self._verbose:
            return
        for run in execution.states:
            milliseconds = ((run.ended_s or run.started_s) - run.started_s) * 1000
            attempts = f", {run.attempts} attempts" if run.attempts > 1 else ""
            self._write(f"  {run.name} ({run.type}) {milliseconds:.1f} ms{attempts}")
            self._write(f"    in:  {_shorten(run.input)}")
            if run.error is not None:
                self._write(f"    error: {run.error.error}: {_cut(run.error.cause)}")
            self._write(f"    out: {_shorten(run.output)}")

    def line(self, function: str, text: str) -> None:
        if self._verbose:
            self._write(f"  [{function}] {text}")

    def failure(self, function: str, lines: list[str]) -> None:
        # With --verbose the lines are there already; the last one says how it ended.
        super().failure(function, lines[-1:] if self._verbose else lines)


def _shorten(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"
