"""The scripts that record golden files, loaded to ask them what they would record."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from tests.conftest import ROOT


def load_recorder(name: str) -> ModuleType:
    """The module scripts/NAME/record.py, under a name of its own: all of them are called `record`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / name / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
