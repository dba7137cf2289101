from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tollgate.stack.definitions import read_definition


@pytest.fixture(scope="session")
def template():
    return read_definition(ROOT / "template.yaml")
