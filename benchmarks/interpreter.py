"""Fresh Python processes with nothing installed, as Lambda starts them: what they import is on PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Linux's account of the process's own peak; ru_maxrss would count what the parent held when it forked.
# https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
_PRINT_PEAK = "\nprint(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
_SILENT = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]


class ProcessError(Exception):
    """Raised when a measured process ends with an error."""


class Cost(NamedTuple):
    """The time that one process took from its start to its end, in seconds; `cpu` is user and system time."""

    wall: float
    cpu: float


class Interpreter:
    """An interpreter in an environment of its own, without packages and without start-up hooks."""

    def __init__(self, python: str, directory: Path) -> None:
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", directory], check=True)
        self._executable = str(directory / "bin" / "python")

    def cost(self, code: str, path: Sequence[Path] = ()) -> Cost:
        """Run `code` in a fresh process.

        Raises:
            ProcessError: it ended with an error, which was printed.
        """
        command = [self._executable, "-c", code]
        start = time.perf_counter()
        child = os.posix_spawn(self._executable, command, _environment(path), file_actions=_SILENT)
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - start
        if status:
            raise ProcessError(f"{code!r} ended with {os.waitstatus_to_exitcode(status)}")
        return Cost(wall, usage.ru_utime + usage.ru_stime)

    def peak_memory(self, code: str, path: Sequence[Path] = ()) -> float:
        """The most memory that a fresh process running `code` held, in MiB; Linux only."""
        command = [self._executable, "-c", code + _PRINT_PEAK]
        printed = subprocess.run(command, env=_environment(path), check=True, capture_output=True, text=True).stdout
        return int(printed.split()[-1]) / 1024


def _environment(path: Sequence[Path]) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        # A function's files cannot be written to, so bytecode that was not shipped is made anew by every start.
        "PYTHONDONTWRITEBYTECODE": "1",
        "POWERTOOLS_SERVICE_NAME": "bench",
    }
