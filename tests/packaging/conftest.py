from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCES = ("tollgate", "layers", "functions", "requirements")
FILES = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The path of a wheel of this checkout, built from a copy: setuptools leaves its work beside what it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """Two folders for `sys.path`: the unpacked wheel, and the packages that a base install brings, and no others.

    The packages are those of this environment, by link, so that no registry is asked.
    """
    folder = tmp_path_factory.mktemp("installed")
    unpacked, packages = folder / "wheel", folder / "packages"
    packages.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    for distribution in _base_distributions():
        for name in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            (packages / name).symlink_to(distribution.locate_file(name))
    return unpacked, packages


@pytest.fixture(scope="session")
def tollgate(installed, tmp_path_factory):
    """Run the command from a base install, outside the checkout, with no other package in reach."""
    outside = tmp_path_factory.mktemp("outside")
    command = f"import sys; sys.path[:0] = {[str(path) for path in installed]!r}; from tollgate.cli import main; main()"
    environment = {"PATH": os.defpath, "HOME": str(outside), "COLUMNS": "120"}

    def run(*arguments: str | Path):
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", command, *map(str, arguments)],
            cwd=outside, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def requirements(name):
    """The lines of `requirements/<name>.in`, without comments."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _base_distributions():
    """The distributions of requirements/base.in and all that they require, as installed here."""
    found = {}
    wanted = requirements("base")
    while wanted:
        requirement = wanted.pop()
        name = re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()
        if "extra ==" in requirement or name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # required on another platform, or for another Python
        wanted += found[name].requires or []
    return found.values()
