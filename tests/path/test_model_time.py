"""The model's own time is measured on both paths: between states on /v1, in the function on /stream/v1."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.conftest import ROOT
from tests.faults.stack import Log
from tollgate.dev import Local

pytestmark = pytest.mark.path

HELLO = {"model": "echo", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}


@pytest.fixture(scope="module")
def log():
    return Log()


@pytest.fixture(scope="module")
def local(log):
    with Local.start(template=ROOT / "template.yaml", console=log) as running:
        arn = running.bedrock.register(name="echo", has_chat_template=True)
        running.put_record({"model": "echo", "variants": [{"name": "v1", "model_id": arn, "body_format": "openai"}]})
        yield running


def line_of_answer(log, request_id):
    """The log line of the function that had the answer; it comes through a pipe, and is waited for."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for line in log.lines:
            if line.get("request_id") == request_id and line.get("status") == 200:
                return line
        time.sleep(0.01)
    raise AssertionError("no log line")


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answers_log_line_has_the_models_time(local, log, base, stream):
    started = time.monotonic()
    headers = {"Authorization": f"Bearer {local.key}"}
    answer = httpx.post(
        f"{local.url}{base}/chat/completions", json=HELLO | {"stream": stream}, headers=headers, timeout=30
    )
    seconds = time.monotonic() - started

    assert answer.status_code == 200
    line = line_of_answer(log, answer.headers["x-request-id"])
    assert 0 < line["model_time_s"] < seconds
