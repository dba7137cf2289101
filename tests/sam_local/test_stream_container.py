"""Stream as `sam build` makes it, in Lambda's container: all but the Web Adapter, whose layer only AWS hands out."""

from __future__ import annotations

import json
import subprocess
import time

import httpx
import pytest

from tests.sam_local.test_sam_local import ARCHITECTURE, BUILD, sam
from tollgate.loopback import listen

pytestmark = [pytest.mark.sam_local, pytest.mark.path, pytest.mark.timeout(300)]

ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "TOLLGATE_MODEL_TABLE": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}


def lambda_image():
    """Lambda's own image for this runtime, which `sam local` fetches where it is not there yet."""
    sam("local", "invoke", "AuthorizerFunction", "-e", "events/authorizer/bearer.json", "-t", f"{BUILD}/template.yaml")
    listed = subprocess.run(
        ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=True
    )
    return next(name for name in listed.stdout.split() if f"/lambda/python:3.13-{ARCHITECTURE}" in name)


@pytest.fixture(scope="module")
def url():
    sam("build", "--build-dir", str(BUILD))
    with listen(0) as free:
        port = free.getsockname()[1]
    variables = {**ENVIRONMENT, "AWS_LWA_PORT": str(port)}
    settings = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    mounts = ["--volume", f"{BUILD}/StreamFunction:/var/task:ro", "--volume", f"{BUILD}/SharedLayer:/opt:ro"]
    container = subprocess.run(
        ["docker", "run", "--detach", "--rm", "--network", "host", *settings, *mounts,
         "--entrypoint", "/var/task/run.sh", lambda_image()],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run(["docker", "stop", "--time", "2", container], capture_output=True, check=True)


def wait_until_ready(url):
    for _ in range(100):
        try:
            return httpx.get(f"{url}/ready").status_code
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the function was not ready within ten seconds")


def test_it_gets_ready_and_answers(url):
    assert wait_until_ready(url) == 200

    answer = httpx.post(
        f"{url}/stream/v1/chat/completions", content="{", headers={"content-type": "application/json"}, timeout=20
    )

    assert answer.status_code == 400
    assert json.loads(answer.text)["error"]["code"] == "invalid_json"
