"""`run.sh` as the Lambda Web Adapter starts it: a process whose output is a pipe."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tollgate.loopback import LOOPBACK

pytestmark = pytest.mark.path

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = ROOT / "functions" / "stream"
# Ends the process that takes long to start on a busy machine, but not a test of a working one.
START_LIMIT_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def process():
    """The function behind the adapter, with services that nobody serves; its base URL and its process."""
    port, nobody = free_port(), free_port()
    variables = {
        # The script calls `python`, which must be the one that has the packages; and nothing that Lambda does not set.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.defpath)),
        "PYTHONPATH": str(ROOT / "layers" / "shared" / "python"),
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{nobody}",
        "AWS_LWA_PORT": str(port),
        "POWERTOOLS_SERVICE_NAME": "stream",
        "TOLLGATE_MODEL_TABLE": "models",
    }
    running = subprocess.Popen(
        [str(STREAM / "run.sh")], cwd=STREAM, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert running.stdout
    os.set_blocking(running.stdout.fileno(), False)
    url = f"http://{LOOPBACK}:{port}"
    try:
        wait_until_ready(url)
        yield url, running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def wait_until_ready(url: str) -> None:
    until_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until_s:
        try:
            if httpx.get(f"{url}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("run.sh does not answer")


def written_by(running: subprocess.Popen[bytes]) -> list[dict]:
    """What the process has written since the last time, without waiting for more."""
    return [json.loads(line) for line in (running.stdout.read() or b"").splitlines()]


def test_the_log_line_and_the_metrics_of_every_request_are_written_before_its_answer_ends(process):
    # Lambda may stop the process when the answer has ended: what is in a buffer then is late, or lost.
    url, running = process
    for request_id in ("first", "last"):
        # WHEN a request fails, since nobody serves the model table
        response = httpx.post(f"{url}/stream/v1/chat/completions", json=HELLO, timeout=60)
        written = written_by(running)

        # THEN both of its lines are out, whether or not another request follows
        assert response.status_code == 503, request_id
        line, metrics = written
        assert (line["message"], line["code"]) == ("request", "model_unavailable")
        assert (metrics["Failures"], metrics["code"]) == (1, "model_unavailable")
