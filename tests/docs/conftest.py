from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tollgate.dev import Local
from tollgate.stack.definitions import read_definition


@pytest.fixture(scope="session")
def template():
    return read_definition(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def local():
    with Local.start(template=ROOT / "template.yaml", models=ROOT / "models" / "local.json") as running:
        yield running
