"""What every test gets: no network unless it says `path`, and then loopback alone; a clean environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import pytest_socket

ROOT = Path(__file__).parent.parent
EVENTS = ROOT / "events"


@pytest.fixture(autouse=True)
def _network(request: pytest.FixtureRequest):
    if request.node.get_closest_marker("path"):
        pytest_socket.enable_socket()
        pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name.startswith(("AWS_", "TOLLGATE_", "POWERTOOLS_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def load_event():
    """Read `events/<name>.json`."""
    return lambda name: json.loads((EVENTS / f"{name}.json").read_text())
