"""The stack as it is written: template, state machine and HTTP contract."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import ROOT
from tollgate.stack import Stack
from tollgate.stack.definitions import read_definition

EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return read_definition(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    return read_definition(ROOT / "api" / "openapi.yaml")


@pytest.fixture(scope="session")
def stack() -> Stack:
    return Stack.load(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def machine() -> dict[str, Any]:
    return json.loads((ROOT / "statemachines" / "inference.asl.json").read_text())


def strings(value: Any) -> list[str]:
    """Every string in a JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return []
