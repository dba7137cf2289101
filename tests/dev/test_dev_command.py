"""`tollgate dev` as a newcomer meets it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from tests.conftest import ROOT
from tests.dev.conftest import STACK, eventually
from tollgate.loopback import listen

pytestmark = [pytest.mark.slow, pytest.mark.path]

COMMAND = [sys.executable, "-c", "from tollgate.command import main; main()", "dev"]


class Dev:
    """A running `tollgate dev`."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [*COMMAND, "--port", "0", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        while "curl" not in self.output or not self.output.endswith("\n\n"):
            line = self.process.stdout.readline()
            assert line, self.output
            self.output += line

    @property
    def curl(self):
        return self.output[self.output.index("curl") :].strip()

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def dev():
    running = Dev()
    yield running
    running.close()


def _processes(dev):
    return psutil.Process(dev.process.pid).children(recursive=True)


def test_the_printed_request_works_when_it_is_pasted(dev):
    answer = subprocess.run(["bash", "-c", f"{dev.curl} -sS"], capture_output=True, text=True, check=True)

    assert '"chat.completion"' in answer.stdout
    assert "tollgate-local" in dev.output
    assert re.search(r"Bedrock +http://127\.0\.0\.1:\d+ ", dev.output)
    assert re.match(r"POST /v1/chat/completions 200 \d+ ms\n", dev.process.stdout.readline())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_and_leaves_no_process_behind(dev, name):
    # GIVEN functions that have run
    subprocess.run(["bash", "-c", f"{dev.curl} -sS"], capture_output=True, check=True)
    started = _processes(dev)
    assert len(started) >= 3

    # WHEN it is told to end, as Ctrl-C tells the whole process group
    os.killpg(dev.process.pid, getattr(signal, name))

    # THEN it ends well, and quietly
    assert dev.process.wait(timeout=10) == 0
    assert "Traceback" not in dev.process.stdout.read()
    eventually(lambda: not any(process.is_running() for process in started))


def test_even_when_it_is_killed_no_process_stays_behind(dev):
    subprocess.run(["bash", "-c", f"{dev.curl} -sS"], capture_output=True, check=True)
    started = _processes(dev)

    dev.process.kill()
    dev.process.wait()

    eventually(lambda: not any(process.is_running() for process in started))


def _refused(*options):
    done = subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_port_in_use_is_one_sentence():
    taken = listen(0)
    port = taken.getsockname()[1]
    taken.listen()

    assert f"port {port}" in _refused("--port", str(port))
    taken.close()


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("Resources:", "Resources: [", "cannot be parsed"),
        ("Type: AWS::Serverless::Api", "Type: AWS::Serverless::Nothing", "AWS::Serverless::Nothing"),
    ],
)
def test_a_broken_template_is_one_sentence(tmp_path, old, new, words):
    shutil.copytree(STACK, tmp_path / "stack")
    template = tmp_path / "stack" / "template.yaml"
    template.write_text(template.read_text().replace(old, new, 1))
    models = tmp_path / "models.json"
    models.write_text("[]")

    assert words in _refused("--template", str(template), "--models", str(models), "--port", "0")
