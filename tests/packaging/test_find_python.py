"""The Python of the functions' runtime is found or fetched, or the first lines say what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

NOWHERE = "3.99"


@pytest.fixture
def machine(tmp_path):
    """A checkout on a machine without Python 3.99: `machine(script, …)` runs a script, with `uv` as the text of uv."""
    checkout, programs = tmp_path / "checkout", tmp_path / "programs"
    (checkout / "scripts").mkdir(parents=True)
    programs.mkdir()
    for name in ("find-python", "fetch-python"):
        shutil.copy(ROOT / "scripts" / name, checkout / "scripts" / name)

    def run(script, *arguments, uv="exit 1"):
        program(programs / "uv", uv)
        environment = {"PATH": f"{programs}:{os.defpath}", "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path)}
        return subprocess.run(
            [checkout / "scripts" / script, *arguments],
            env=environment, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    return run


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_python_that_is_not_there_is_named(machine):
    result = machine("find-python", NOWHERE)

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("No Python 3.99 was found")


def test_a_python_on_the_path_is_found_by_its_version(machine, tmp_path):
    program(tmp_path / "programs" / f"python{NOWHERE}", f'exec {sys.executable} "$@"')

    result = machine("find-python", "3.98", NOWHERE)

    assert result.returncode == 0
    assert result.stdout.strip() == sys.executable


def test_a_missing_python_is_fetched_into_the_checkout_and_found_there(machine, tmp_path):
    fetched = tmp_path / "checkout" / ".python" / "cpython" / "bin"
    target = fetched / f"python{NOWHERE}"
    # GIVEN a uv that fetches
    uv = f"mkdir -p {fetched} && ln -s {sys.executable} {target}"

    result = machine("fetch-python", NOWHERE, uv=uv)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Python 3.99, the runtime of the functions, is not on this machine")
    assert machine("find-python", NOWHERE).returncode == 0


def test_a_python_that_cannot_be_fetched_is_told_with_its_reason_and_what_to_do(machine):
    result = machine("fetch-python", NOWHERE, uv="echo 'cause: no route to the download' >&2; exit 2")

    assert result.returncode == 1
    assert result.stdout.startswith("Python 3.99, the runtime of the functions, is not on this machine")
    assert "cause: no route to the download" in result.stderr
    assert "Python 3.99 could not be fetched. Install it" in result.stderr


def test_nothing_is_said_of_a_python_that_is_there(machine, tmp_path):
    program(tmp_path / "programs" / f"python{NOWHERE}", f'exec {sys.executable} "$@"')

    result = machine("fetch-python", NOWHERE, uv="echo fetched >&2; exit 1")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
