"""All measurements of one run, as the JSON document that docs/performance.md is made from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks import machine, memory, packages, path, requests, starts, startup, stream
from benchmarks.build import DIRECTORY, build, function_python
from benchmarks.figures import as_json
from benchmarks.handlers import ROOT
from benchmarks.interpreter import Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = ROOT / "benchmarks" / "results.json"


def measure(say: Callable[[str], None], *, quick: bool = False) -> dict[str, Any]:
    """Measure everything, part after part; `quick` takes a tenth of the samples, to try the bench itself."""
    share = 10 if quick else 1
    run = machine.describe(function_python())
    say("building the functions")
    built = build()
    say("requests")
    cost = requests.measure(2_000 // share, 200 // share)
    say("memory over many requests")
    held = memory.measure(100_000 // share)
    say("start-up")
    interpreter = Interpreter(function_python(), DIRECTORY / "interpreter")
    started = startup.measure(interpreter, starts.every(built), rounds=max(3, 20 // share))
    say("the streaming path")
    streamed = stream.measure()
    say("the step path on this machine")
    results: dict[str, Any] = as_json(
        {
            "machine": run,
            "startup": started,
            "packages": packages.measure(built.shipped),
            "requests": cost,
            "memory": held,
            "stream": streamed,
            "path": path.measure(1 if quick else 5),
            "listening": path.measure_listening(),
        }
    )
    return results


def read() -> dict[str, Any]:
    """The last run that was kept."""
    results: dict[str, Any] = json.loads(FILE.read_text())
    return results


def write(results: dict[str, Any]) -> None:
    """Keep a run."""
    FILE.write_text(json.dumps(results, indent=1) + "\n")
