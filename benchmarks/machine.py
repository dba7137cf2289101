"""What a run was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Machine(NamedTuple):
    """The machine and the moment of a run, and its commit; `load` is the load average of a minute when it began."""

    date: str
    commit: str
    system: str
    processor: str
    cores: int
    load: float
    python: str


def describe(python: str) -> Machine:
    """This machine now; `python` is the interpreter that plays the functions' runtime."""
    version = subprocess.run([python, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0],
        python=version,
    )


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=10", "--dirty"], check=False, capture_output=True, text=True
    )
    return described.stdout.strip() or "unknown"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
