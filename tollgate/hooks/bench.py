"""What the start of a hook costs, in multiples of a bare interpreter, and which libraries cost it.

All figures are of this machine. Lambda adds the download of the package and reads files over the network, so that the
multiples are the useful part: a bare interpreter starts there, too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

_IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")
_SHOWN_IMPORTS = 8
_PEAK = (
    "\nimport pathlib\n"
    "status = pathlib.Path('/proc/self/status')\n"
    "text = status.read_text() if status.exists() else ''\n"
    "print(next((line.split()[1] for line in text.splitlines() if line.startswith('VmHWM')), 0))"
)


class BenchError(Exception):
    """Raised when a hook cannot be imported; the message is the last line of what Python said."""


class StartCost(NamedTuple):
    """What a start costs. Times are in seconds, the shortest of all rounds; multiples are of the bare interpreter's."""

    bare_s: float
    start_s: float
    without_bytecode_s: float
    memory_mib: float
    package_mib: float
    imports: list[tuple[str, float]]
    """The package's own time to import, in seconds, with what it imports, for the most expensive ones."""

    @property
    def multiple(self) -> float:
        """The start, as a multiple of the bare interpreter's."""
        return self.start_s / self.bare_s

    @property
    def multiple_without_bytecode(self) -> float:
        """The same where the package ships no bytecode."""
        return self.without_bytecode_s / self.bare_s


def measure(module: str, folder: Path, packages: list[Path], rounds: int) -> StartCost:
    """Start Python with and without the hook's module, by turns, and say what the difference is made of.

    Raises:
        BenchError: the module cannot be imported.
    """
    paths = [folder.resolve(), *packages]
    code = f"import {module}"
    with tempfile.TemporaryDirectory() as temporary:
        written, empty = Path(temporary) / "written", Path(temporary) / "empty"
        _run(code, paths, written)  # so that there is bytecode, wherever the files are
        bare, with_bytecode, without = [], [], []
        for number in range(rounds):
            bare.append(_run("", [], written))
            with_bytecode.append(_run(code, paths, written))
            without.append(_run(code, paths, empty / str(number)))
        memory = float(_output(code + _PEAK, paths, written).split()[-1]) / 1024
        bare_imports = _imports("", [], written)
        imports = {name: s for name, s in _imports(code, paths, written).items() if name not in bare_imports}
    longest = sorted(imports.items(), key=lambda item: item[1], reverse=True)[:_SHOWN_IMPORTS]
    size = sum(_size(path) for path in paths) / 2**20
    return StartCost(min(bare), min(with_bytecode), min(without), memory, size, longest)


def _run(code: str, paths: list[Path], bytecode: Path) -> float:
    """The seconds that one process takes."""
    started = time.perf_counter()
    _output(code, paths, bytecode)
    return time.perf_counter() - started


def _output(code: str, paths: list[Path], bytecode: Path) -> str:
    # -S: nothing is installed but what the hook's folders hold, as on Lambda.
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(paths, bytecode),
    )
    if ended.returncode != 0:
        raise BenchError(ended.stderr.strip().splitlines()[-1])
    return ended.stdout


def _environment(paths: list[Path], bytecode: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "PYTHONDONTWRITEBYTECODE": "",  # which some people's shells set
    }


def _imports(code: str, paths: list[Path], bytecode: Path) -> dict[str, float]:
    """The seconds that each package takes, with all that it imports, from Python's own account.

    https://docs.python.org/3/using/cmdline.html#cmdoption-X
    """
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(paths, bytecode),
    )
    seconds: dict[str, float] = {}
    for line in ended.stderr.splitlines():
        found = _IMPORT_LINE.match(line)
        if found is not None:
            package = found[3].partition(".")[0]
            seconds[package] = max(seconds.get(package, 0.0), int(found[2]) / 1e6)
    return seconds


def _size(folder: Path) -> int:
    """The bytes of a folder's files, without bytecode."""
    total = 0
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            total += path.stat().st_size
    return total
