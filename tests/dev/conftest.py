"""The fixture stack, started once: every test leaves it as it was."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tollgate.dev import Local

FIXTURES = Path(__file__).parent / "fixtures"
STACK = FIXTURES / "stack"


def eventually(condition, within_s: float = 3.0) -> None:
    """Wait until a condition holds, and fail when it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


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
