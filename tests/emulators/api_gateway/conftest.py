"""The fixture stack, started once: every test leaves it as it was."""

from __future__ import annotations

import httpx
import pytest

from tests.dev.conftest import STACK
from tollgate.dev import Local


@pytest.fixture(scope="session")
def runner():
    with Local.start(STACK / "template.yaml") as local:
        yield local


@pytest.fixture
def client(runner):
    with httpx.Client(base_url=runner.url, headers={"Authorization": f"Bearer {runner.key}"}) as client:
        yield client


@pytest.fixture
def run(client):
    """Start an execution of the fixture's state machine; returns its output."""

    def start(**event):
        response = client.post("/run", json=event)
        assert response.status_code == 200, response.text
        return response.json()

    return start
