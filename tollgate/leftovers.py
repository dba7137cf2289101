"""What must not outlive this process: child processes, and folders of temporary files.

Whoever makes one registers it here, so that a process that has to end at once can do away with all of them.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

_processes: set[subprocess.Popen[bytes]] = set()
_folders: set[Path] = set()
_REAP_LIMIT_S = 0.3


def note_process(process: subprocess.Popen[bytes]) -> None:
    """Remember a child process, to be killed if it still runs at the end."""
    _processes.add(process)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a child process, wait for it and forget it."""
    process.kill()
    process.wait()
    _processes.discard(process)


def new_folder(prefix: str) -> Path:
    """Make a temporary folder; `remove_folder` deletes it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    _folders.add(folder)
    return folder


def remove_folder(folder: Path) -> None:
    """Delete a temporary folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    _folders.discard(folder)


def remove_all() -> None:
    """Kill every child process and delete every folder that is left, and wait for the processes for a moment."""
    processes = list(_processes)
    for process in processes:
        with contextlib.suppress(OSError):
            process.kill()
    # Without this they stay as zombies where nobody reaps orphans, as in many containers.
    until_s = time.monotonic() + _REAP_LIMIT_S
    for process in processes:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            process.wait(max(until_s - time.monotonic(), 0))
    for folder in list(_folders):
        remove_folder(folder)
