"""The bench against servers that are really there: Tollgate's local stack, and one whose delay is known."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.dev import Local
from tollgate.loopback import Server

pytestmark = [pytest.mark.slow, pytest.mark.path]

DELAY_S = 0.2


async def answer(request):
    async def events():
        await asyncio.sleep(DELAY_S)
        for text in ("a", "b"):
            yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@pytest.fixture(scope="module")
def known():
    server = Server(Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])]))
    yield f"{server.url}/v1"
    server.close()


def bench(*arguments):
    result = CliRunner().invoke(main, ["bench", *arguments, "--output", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_known_delay_is_measured_at_one_client_and_at_many(known):
    found = bench("--url", known, "--clients", "1,32", "--requests", "64", "--warmup", "0")

    one, many = found["rows"]
    assert one["latency_s"]["p50"] == pytest.approx(DELAY_S, rel=0.15)
    # What 32 clients of ours add to the server's own time, on a machine that other tests use, too.
    assert many["latency_s"]["p50"] < 2 * DELAY_S
    assert many["copies"] is None


ANSWERS = {
    "a page": "<html>hello</html>",
    "a whole answer": '{"choices": [{"message": {"content": "hello"}}]}',
    "no JSON": "data: {broken\n\ndata: [DONE]\n\n",
    "no choices": 'data: {"choices": 5}\n\n',
    "an error that is a text": 'data: {"error": "no"}\n\n',
    "a count that is a text": 'data: {"choices": [], "usage": {"completion_tokens": "many"}}\n\n',
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_is_no_stream_of_openais_is_a_failure_with_a_code(kind):
    async def answered(request):
        return PlainTextResponse(ANSWERS[kind])

    server = Server(Starlette(routes=[Route("/v1/chat/completions", answered, methods=["POST"])]))
    options = ["--url", f"{server.url}/v1", "--clients", "2", "--requests", "4", "--warmup", "0"]

    result = CliRunner().invoke(main, ["bench", *options])
    server.close()

    assert result.exit_code == 1
    assert "2 clients: failed with no_openai_stream (4)." in result.output


def test_a_server_that_is_not_there_is_told():
    options = ["--url", "http://127.0.0.1:1/v1", "--clients", "1", "--requests", "2"]

    result = CliRunner().invoke(main, ["bench", *options])

    assert result.exit_code == 1
    assert "failed with ConnectError (2)" in result.output


def test_an_open_loop_keeps_its_times(known):
    (row,) = bench("--url", known, "--arrivals", "poisson:20", "--requests", "40")["rows"]

    assert (row["clients"], row["requests"]) == (None, 40)
    assert row["latency_s"]["p50"] == pytest.approx(DELAY_S, rel=0.25)


def test_the_local_stack_is_measured_on_both_paths_with_its_copies(tmp_path):
    with Local.start(ROOT / "template.yaml", models=ROOT / "models/local.json") as local:
        for base in ("/v1", "/stream/v1"):
            found = bench(
                "--url", f"{local.url}{base}", "--key", local.key, "--model", "llama-demo", "--clients", "1,4",
                "--requests", "8", "--warmup", "0", "--out", str(tmp_path), "--control-url", local.bedrock_url,
            )  # fmt: skip

            assert [row["failures"] for row in found["rows"]] == [{}, {}]
            assert all(row["copies"] for row in found["rows"])
            assert found["simulated"] is True
            assert (tmp_path / "report.html").exists()


def test_ctrl_c_keeps_the_phases_that_are_done(known, tmp_path):
    # GIVEN a run of a short phase and a long one
    command = [sys.executable, "-c", "from tollgate.command import main; main()", "bench", "--url", known]
    options = ["--clients", "8,1", "--requests", "40", "--warmup", "0", "--out", str(tmp_path)]
    running = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    until = time.monotonic() + 30
    while not (tmp_path / "run.json").exists() and time.monotonic() < until:
        time.sleep(0.05)

    # WHEN it is interrupted in the second
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=20)

    # THEN the first is there
    document = json.loads((tmp_path / "run.json").read_text())
    assert running.returncode == 130
    assert document["interrupted"] is True
    assert [row["clients"] for row in document["rows"]] == [8]
    assert "interrupted" in said
