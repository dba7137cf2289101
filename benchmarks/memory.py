"""Memory over many requests, in a process that holds only the functions: `python -m benchmarks.memory 100000`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.handlers import KINDS, NOWHERE, ROOT, Handlers, Kind, answered_event, chat_event

_MODELS = 100  # more than the parsed records that Preprocess keeps
_CHAT_BYTES = 2_000


class Memory(NamedTuple):
    """Resident MiB after the first tenth of the requests, and after the last."""

    requests: int
    early_mib: float
    late_mib: float


def measure(requests: int = 100_000) -> Memory:
    """The memory that so many requests leave in use, measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", f"{requests}"]
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Memory(**json.loads(printed))


def send(requests: int) -> Memory:
    """Requests of all kinds to many models, in this process; Linux only."""
    with redirect_stdout(NOWHERE):
        handlers = Handlers.load()
        events = [_events(handlers, kind, f"m{number}") for number in range(_MODELS) for kind in KINDS]
        early = 0.0
        for number in range(requests):
            event, answered = events[number % len(events)]
            handlers.preprocess(event, None)
            handlers.postprocess(answered, None)
            if number == requests // 10:
                early = _resident_mib()
    return Memory(requests, early, _resident_mib())


def _events(handlers: Handlers, kind: Kind, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    event = chat_event(kind, _CHAT_BYTES, model=model)
    return event, answered_event(kind, handlers.preprocess(event, None))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    print(json.dumps(send(int(sys.argv[1]))._asdict()))
