"""Bedrock goes away in the middle of a stream."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest

from streaming.aws.bedrock import BedrockModel
from streaming.aws.service import Service
from streaming.aws.signature import Credentials
from tests.stream.conftest import Log, record
from tests.stream.fakes import FakeRecords, application
from tollgate.loopback import Server

pytestmark = pytest.mark.path

UPSTREAM = """
import time
from tollgate.emulators.bedrock import Bedrock, create_app
from tollgate.loopback import Server
bedrock = Bedrock()
print(bedrock.register("m"), flush=True)
bedrock.set_faults("m", seconds_per_token=0.05)
print(Server(create_app(bedrock)).url, flush=True)
time.sleep(60)
"""


def test_an_upstream_that_is_killed_in_mid_stream_is_an_error_event():
    # GIVEN Bedrock in a process of its own, streaming slowly
    upstream = subprocess.Popen([sys.executable, "-c", UPSTREAM], stdout=subprocess.PIPE, text=True)
    assert upstream.stdout
    arn, url = upstream.stdout.readline().strip(), upstream.stdout.readline().strip()
    service = Service(url, "bedrock", "us-east-1", Credentials("local", "local"))
    records, logger = FakeRecords({"m": record(model_id=arn)}), Log().logger
    server = Server(application(records, BedrockModel(service), logger, timeout_s=30, comment_interval_s=10))
    try:
        # WHEN it is killed after the first tokens
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "word " * 200}]}
        with httpx.stream("POST", f"{server.url}/stream/v1/chat/completions", json=body, timeout=10) as response:
            lines = response.iter_lines()
            before = [next(lines) for _ in range(6)]
            upstream.kill()
            after = list(lines)
    finally:
        upstream.kill()
        upstream.communicate()
        server.close()

    # THEN the tokens stay, and the stream ends with an error in OpenAI's shape
    assert response.status_code == 200
    assert "word" in before[-2]
    last = [line for line in after if line][-1]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "model_error"
