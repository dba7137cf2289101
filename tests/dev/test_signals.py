"""Ctrl-C always ends the servers: two signals at any moment, and within three seconds nothing is left.

Real processes get real signals at random moments. `make test` takes some of them; a hundred rounds and more are run by

    SIGNAL_ROUNDS=100 pytest tests/dev/test_signals.py
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.path, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("SIGNAL_ROUNDS", "0"))
# Without a wish for more, each moment is met once at least, and as often as this many seconds allow.
LEAST_ROUNDS, BUDGET_S = 4, 6.0
COMMAND = [sys.executable, "-c", "from tollgate.command import main; main()"]
SIGNALS = [signal.SIGINT, signal.SIGTERM]
LIMIT_S = 3.0
MOMENTS = ["starting", "running", "in flight", "shutting down"]


class Server:
    """A running `tollgate dev` or `tollgate bedrock`, and what it starts."""

    def __init__(self, command: str, *more: str) -> None:
        options = ["--port", "0"] if command == "dev" else ["--port", "0", "--model", "demo"]
        self.command = command
        self.process = subprocess.Popen(
            [*COMMAND, command, *options, *more], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.output = ""
        self.ready = threading.Event()
        self.children: set[psutil.Process] = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output += line
            if "curl" in line or "demo: arn" in line:
                self.ready.set()
        self.ready.set()

    @property
    def url(self) -> str:
        return re.search(r"http://127\.0\.0\.1:\d+", self.output)[0]

    def note_children(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self.children.update(psutil.Process(self.process.pid).children(recursive=True))

    def ask(self) -> None:
        """Send one request, whose end does not matter."""
        try:
            if self.command == "dev":
                body = {"model": "apexguru", "messages": [{"role": "user", "content": "public class A {}"}]}
                path = random.choice(["/v1", "/stream/v1"]) + "/chat/completions"
                headers = {"Authorization": "Bearer tollgate-local"}
                httpx.post(self.url + path, json=body, headers=headers, timeout=20)
            else:
                arn = re.search(r"demo: (\S+)", self.output)[1]
                httpx.post(f"{self.url}/model/{arn}/invoke", json={"prompt": "x", "max_tokens": 9}, timeout=20)
        except httpx.HTTPError:
            pass

    def send(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end; fails when the process, or anything that it started, outlives the limit."""
        until = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            self.note_children()
            assert time.monotonic() < until, f"still running:\n{self.output}"
            time.sleep(0.01)
        while left := [child for child in self.children if _runs(child)]:
            assert time.monotonic() < until, f"left behind: {left}"
            time.sleep(0.01)
        self._reader.join(timeout=5)
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=5)
        self.process.stdout.close()


def _runs(process: psutil.Process) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _stall(server: Server) -> None:
    if server.command == "bedrock":
        faults = {"steps": [{"stall_seconds": 60, "times": None}]}
        httpx.put(f"{server.url}/_tollgate/models/demo/faults", json=faults)


def _two_signals(dice: random.Random, command: str, moment: str) -> None:
    server = Server(command)
    try:
        with ThreadPoolExecutor(8) as clients:
            if moment == "starting":
                time.sleep(dice.uniform(0.03, 1.5))
            else:
                assert server.ready.wait(60), server.output
            if moment == "in flight":
                _stall(server)
                for _ in range(8):
                    clients.submit(server.ask)
            if moment in ("running", "in flight"):
                time.sleep(dice.uniform(0, 0.5))
            server.note_children()
            server.send(dice.choice(SIGNALS))
            time.sleep(dice.uniform(0, 0.3) if moment == "shutting down" else dice.choice([0, 0.0005, 0.02]))
            server.send(dice.choice(SIGNALS))
            status = server.end()
        # Before the command takes the signals they do what they do to every program.
        allowed = (0,) if moment != "starting" else (0, *(-number for number in SIGNALS))
        assert status in allowed, server.output
        # An interpreter that is interrupted before it has read a line of ours may say so.
        assert f"{ROOT}/tollgate/" not in server.output, server.output
        assert moment == "starting" or "Traceback" not in server.output, server.output
    finally:
        server.close()


def test_two_signals_at_any_moment_end_it_and_leave_nothing():
    began, dice = time.monotonic(), random.Random()
    done = 0
    while done < max(ROUNDS, LEAST_ROUNDS) or (not ROUNDS and done < 10 and time.monotonic() < began + BUDGET_S):
        seed = dice.randrange(2**32)
        # Each moment in turn, for one command and then for the other.
        moment, command = MOMENTS[done % len(MOMENTS)], ("dev", "bedrock")[done // len(MOMENTS) % 2]
        try:
            _two_signals(random.Random(seed), command, moment)
        except AssertionError as error:
            raise AssertionError(f"round {done}: {command}, {moment}, seed {seed}: {error}") from error
        done += 1
    print(f"{done} rounds in {time.monotonic() - began:.0f} s")  # noqa: T201


def test_a_template_that_hangs_stops_neither_other_models_nor_the_end(tmp_path):
    # GIVEN a model whose template computes for minutes in one step
    model = tmp_path / "model"
    shutil.copytree(ROOT / "examples" / "apexguru-tiny" / "model", model)
    (model / "chat_template.jinja").unlink(missing_ok=True)
    configuration = json.loads((model / "tokenizer_config.json").read_text())
    hangs = "{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') }}{{ messages }}"
    (model / "tokenizer_config.json").write_text(json.dumps({**configuration, "chat_template": hangs}))
    entries = json.loads((ROOT / "models" / "local.json").read_text())
    entries[0]["serve"]["artifacts"] = str(model)
    (tmp_path / "models.json").write_text(json.dumps(entries))
    server = Server("dev", "--models", str(tmp_path / "models.json"))
    try:
        assert server.ready.wait(60)
        with ThreadPoolExecutor(4) as clients:
            # WHEN it is asked
            for _ in range(4):
                clients.submit(server.ask)
            time.sleep(1)

            # THEN another model answers
            body = {"model": "llama-demo", "messages": [{"role": "user", "content": "Hi"}]}
            headers = {"Authorization": "Bearer tollgate-local"}
            answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, timeout=8)
            assert answer.status_code == 200

            # AND one signal ends everything
            server.note_children()
            server.send(signal.SIGTERM)
            assert server.end() == 0
        assert "Traceback" not in server.output
    finally:
        server.close()


@pytest.mark.parametrize("number", SIGNALS)
def test_one_signal_ends_it_in_order(number):
    server = Server("bedrock")
    try:
        assert server.ready.wait(60)
        server.send(number)
        assert server.end() == 0
        assert "Traceback" not in server.output
    finally:
        server.close()
