"""What the streaming path costs: `python -m benchmarks.stream [--json FILE]`.

The function runs as on Lambda, in one process of its own, and so does a zero-delay upstream that plays DynamoDB and
Bedrock; everything else is the function's own. Times move from machine to machine: compare the ratios, which are
to a bare interpreter and to boto3's own calls of the same upstream in the same run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import psutil
from botocore.config import Config

from benchmarks.figures import Figure, as_json, figure
from benchmarks.http_load import Client, rate, timings
from benchmarks.zero_delay_upstream import MODEL_ID

ROOT = Path(__file__).parent.parent
FUNCTION = ROOT / "functions" / "stream"
LAYER = ROOT / "layers" / "shared" / "python"
TARGETS = {
    "start_ratio": 35,
    "rss_mib": 55,
    "package_mib": 30,
    "overhead_ms": 1.2,
    "time_to_first_token_ms": 1.8,
    "requests_per_s": -900,
}
"""The most that each may be; a negative number: the least."""


def measure() -> dict[str, Figure | float]:
    """All figures; times in seconds or milliseconds and sizes in MiB, as their names say."""
    with ExitStack() as stack:
        upstream = stack.enter_context(_upstream())
        environment = _environment(upstream, stack.enter_context(_interpreter()))
        start = _start_ratio(environment)
        process, port = stack.enter_context(_function(environment))
        body = {"model": "bench", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 64}
        chat = "/stream/v1/chat/completions"
        whole = timings(lambda: Client(port, chat, body))
        streamed = timings(lambda: Client(port, chat, body | {"stream": True}))
        direct = timings(lambda: Client(upstream, "/model/x/invoke", body))
        direct_stream = timings(lambda: Client(upstream, "/model/x/invoke-with-response-stream", body))
        boto3_ms = _boto3_ms(upstream, body)
        function = psutil.Process(process.pid)
        requests_per_s, request_cpu_ms = rate(lambda: Client(port, chat, body), function)
        streams_per_s, stream_cpu_ms = rate(lambda: Client(port, chat, body | {"stream": True}), function)
        rss = function.memory_info().rss / 2**20
    overhead = whole["total"].minus(direct["total"].median)
    return {
        **start,
        "rss_mib": rss,
        "package_mib": _package_mib(),
        "overhead_ms": overhead,
        "stream_overhead_ms": streamed["total"].minus(direct_stream["total"].median),
        "time_to_first_token_ms": streamed["first"],
        "boto3_ms": boto3_ms,
        "overhead_per_boto3": overhead.median / boto3_ms.median,
        "requests_per_s": requests_per_s,
        "request_cpu_ms": request_cpu_ms,
        "streams_per_s": streams_per_s,
        "stream_cpu_ms": stream_cpu_ms,
    }


@contextmanager
def _upstream() -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.zero_delay_upstream"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def _interpreter() -> Iterator[str]:
    """A directory with `python` in it, which has nothing installed and so no hooks at its start, as on Lambda."""
    with TemporaryDirectory() as directory:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
        yield f"{directory}/bin"


def _environment(upstream: int, interpreter: str) -> dict[str, str]:
    packages = sysconfig.get_paths()["purelib"]
    return {
        "PATH": os.pathsep.join((interpreter, os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join(map(str, (FUNCTION, LAYER, packages))),
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_SESSION_TOKEN": "bench",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{upstream}",
        "TOLLGATE_MODEL_TABLE": "models",
        "POWERTOOLS_SERVICE_NAME": "stream",
    }


@contextmanager
def _function(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The function's process, ready to answer, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(FUNCTION / "run.sh")], env={**environment, "AWS_LWA_PORT": str(port)}, stdout=subprocess.DEVNULL
    )
    try:
        while not _ready(port):
            time.sleep(0.001)
        yield process, port
    finally:
        process.kill()
        process.wait()


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def _start_ratio(environment: dict[str, str], rounds: int = 9) -> dict[str, Figure]:
    """The time from a process's start to its first answer; also with TLS contexts, as real endpoints need them."""
    with_tls = {**environment, "AWS_ENDPOINT_URL": "https://127.0.0.1"}
    times: dict[str, list[float]] = {"bare": [], "start": [], "start_tls": []}
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(["python", "-c", "pass"], env=environment, check=True)
        times["bare"].append(time.perf_counter() - started)
        for name, variables in (("start", environment), ("start_tls", with_tls)):
            started = time.perf_counter()
            with _function(variables):
                times[name].append(time.perf_counter() - started)
    bare = times["bare"]
    return {
        "bare_ms": figure([value * 1000 for value in bare]),
        "start_ms": figure([value * 1000 for value in times["start"]]),
        "start_ratio": figure([value / base for value, base in zip(times["start"], bare, strict=True)]),
        "start_tls_ratio": figure([value / base for value, base in zip(times["start_tls"], bare, strict=True)]),
    }


def _boto3_ms(upstream: int, body: dict[str, Any], requests: int = 400) -> Figure:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{upstream}",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(retries={"total_max_attempts": 1}),
    )
    times = []
    for _ in range(requests):
        started = time.perf_counter()
        json.loads(client.invoke_model(modelId=MODEL_ID, body=json.dumps(body))["body"].read())
        times.append(time.perf_counter() - started)
    return figure([value * 1000 for value in times])


def _package_mib() -> float:
    """The installed files of the function's requirements, without bytecode, and its own."""
    names = re.findall(r"^([\w.-]+)==", (FUNCTION / "requirements.txt").read_text(), re.MULTILINE)
    files = [Path(str(file.locate())) for name in names for file in importlib.metadata.distribution(name).files or ()]
    files += FUNCTION.rglob("*")
    total = sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
    return total / 2**20


def report(figures: dict[str, Figure | float]) -> str:
    """A table of the figures with their targets."""
    lines = []
    for name, measured in figures.items():
        value = measured.median if isinstance(measured, Figure) else measured
        target = TARGETS.get(name)
        verdict = ""
        if target is not None:
            met = value <= target if target > 0 else value >= -target
            verdict = f"{'≤' if target > 0 else '≥'} {abs(target):g}  {'met' if met else 'MISSED'}"
        lines.append(f"{name.replace('_', ' '):<24} {value:>10.2f}  {verdict}".rstrip())
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    figures = measure()
    print(report(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(figures), indent=2) + "\n")


if __name__ == "__main__":
    main()
