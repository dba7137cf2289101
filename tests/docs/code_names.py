"""Finds what documentation names in the code."""

from __future__ import annotations

import ast
import functools
import json
from pathlib import Path

from tests.conftest import ROOT


@functools.cache
def python_names(file: Path) -> frozenset[str]:
    """What a Python file defines: `name`, `Class`, and `Class.member`."""
    names: set[str] = set()
    _collect(ast.parse(file.read_text()).body, "", names)
    return frozenset(names)


def _collect(body: list[ast.stmt], prefix: str, names: set[str]) -> None:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(prefix + node.name)
        elif isinstance(node, ast.ClassDef):
            names.add(prefix + node.name)
            _collect(node.body, f"{prefix}{node.name}.", names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(prefix + node.target.id)
        elif isinstance(node, ast.Assign):
            names |= {prefix + target.id for target in node.targets if isinstance(target, ast.Name)}


def defines(path: str, name: str) -> bool:
    """Whether a file of the repository defines a name: in Python a definition, in a state machine a state."""
    file = ROOT / path
    if file.suffix == ".py":
        return name in python_names(file)
    if file.name.endswith(".asl.json"):
        return name in json.loads(file.read_text())["States"]
    return name in file.read_text()


def classes(*folders: str) -> dict[str, list[str]]:
    """Each class under the folders, with the files that define one of its name."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(file.relative_to(ROOT).as_posix())
    return found
