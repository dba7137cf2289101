"""The functions as `make build` leaves them, built for this machine so that they can be imported here."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.handlers import ROOT

DIRECTORY = ROOT / "build" / "bench"
FUNCTIONS = {
    "authorizer": "AuthorizerFunction",
    "preprocess": "PreprocessFunction",
    "postprocess": "PostprocessFunction",
    "stream": "StreamFunction",
}
LAYER = "SharedLayer"


class Build(NamedTuple):
    """Two builds: as shipped, and as `sam build` alone leaves it, without bytecode."""

    shipped: Path
    without_bytecode: Path


def build() -> Build:
    """Build both.

    Raises:
        subprocess.CalledProcessError: SAM's own message was printed.
    """
    without_bytecode, shipped = DIRECTORY / "sam", DIRECTORY / "shipped"
    architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    environment = os.environ | {"PATH": f"{Path(function_python()).parent}{os.pathsep}{os.environ['PATH']}"}
    sam = [str(ROOT / ".venv-sam/bin/sam"), "build", "--parameter-overrides", f"Architecture={architecture}"]
    directories = ["--build-dir", str(without_bytecode), "--cache-dir", str(DIRECTORY / "cache")]
    built = subprocess.run([*sam, *directories], cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if built.returncode:
        print(built.stderr)
    built.check_returncode()
    shutil.rmtree(shipped, ignore_errors=True)
    shutil.copytree(without_bytecode, shipped)
    subprocess.run([ROOT / "scripts" / "bytecode", shipped], check=True)
    return Build(shipped, without_bytecode)


def import_path(build: Path, function: str) -> tuple[Path, ...]:
    """Where a function's imports come from on Lambda: its own package, then the layer's."""
    return build / FUNCTIONS[function], build / LAYER / "python"


def function_python() -> str:
    """The interpreter of the functions' version."""
    found = subprocess.run(
        [ROOT / "scripts" / "find-python", "3.13"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return found.strip()
