"""The step path on this machine: every layer of the local runner, with an engine that answers at once.

What AWS's services take is not in these figures; what is: the runner's own work, and the functions' in their processes.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from benchmarks.figures import Figure, figure, percentile
from benchmarks.handlers import ROOT
from tollgate.dev import Local

if TYPE_CHECKING:
    from tollgate.dev import Execution

_MODELS: list[dict[str, Any]] = [
    {
        "serve": {"engine": "echo", "architecture": "qwen2", "body_format": "openai"},
        "record": {"model": "bench", "variants": [{"name": "v1", "model_id": None, "body_format": "openai"}]},
    }
]
_UNLIMITED = {"RateLimit": "10000", "BurstLimit": "5000"}
_BATCH = 100  # fewer than the executions that the runner keeps
_DEADLINE_S = 30


class StateTime(NamedTuple):
    """Milliseconds between a state's start and its end."""

    name: str
    milliseconds: Figure


class PathCost(NamedTuple):
    """Milliseconds of one request, seen by its client; `around_ms` is what is not in the execution."""

    p50_ms: float
    p95_ms: float
    spread: Figure
    around_ms: Figure
    states: list[StateTime]


class Listening(NamedTuple):
    """Seconds from the command `tollgate dev` to its first answer."""

    seconds: Figure


def measure(hundreds: int = 5) -> PathCost:
    """One client, one request after another; the first hundred warm up."""
    totals: list[float] = []
    executions: list[Execution] = []
    with Local.start(template=ROOT / "template.yaml", models=_MODELS, parameters=_UNLIMITED) as local:
        headers = {"authorization": f"Bearer {local.key}"}
        with httpx.Client(base_url=local.url, headers=headers, timeout=_DEADLINE_S) as client:
            _send(client, _BATCH)
            for _ in range(hundreds):
                totals += _send(client, _BATCH)
                executions += list(local.executions)[-_BATCH:]
    return PathCost(
        p50_ms=percentile(totals, 50),
        p95_ms=percentile(totals, 95),
        spread=figure(totals),
        around_ms=figure([total - _ms(run) for total, run in zip(totals, executions, strict=True)]),
        states=_states(executions),
    )


def measure_listening(starts: int = 5) -> Listening:
    """How long `tollgate dev` takes until it answers."""
    return Listening(figure([_time_to_listen() for _ in range(starts)]))


def _send(client: httpx.Client, requests: int) -> list[float]:
    body = {"model": "bench", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16}
    times = []
    for _ in range(requests):
        start = time.perf_counter()
        client.post("/v1/chat/completions", json=body).raise_for_status()
        times.append((time.perf_counter() - start) * 1000)
    return times


def _states(executions: list[Execution]) -> list[StateTime]:
    names = executions[0].path()
    return [StateTime(name, figure([_ms(run.state(name)) for run in executions])) for name in names]


def _ms(run: Any) -> float:
    return float(run.ended_s - run.started_s) * 1000


def _time_to_listen() -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "tollgate"), "dev", "--port", str(port)]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - start > _DEADLINE_S:
                raise RuntimeError(f"tollgate dev does not answer on port {port}")
            time.sleep(0.01)
        return time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=_DEADLINE_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()
