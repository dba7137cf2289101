"""Measures one server with llmeter and with `tollgate bench`, one after the other, and compares their figures.

    make compare-bench                # exits with 1 if a figure of the two differs by more than a tenth

The server is the local stack with the case study's profile, warm, which reads prompts slowly: so first tokens and
answers take long enough for what either tool adds to be small beside them. llmeter
(https://github.com/awslabs/llmeter) gets an environment of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from scripts.try_clients import CLIENTS, environment_of
from scripts.write_docs import replace_block
from tollgate.dev import Local, Simulation
from tollgate.quantiles import quantile
from tollgate.text_tables import markdown, plain

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmark.md"
LLMETER = {"packages": ["llmeter[openai]==0.2.0", "openai<3", "httpx"], "script": "llmeter_measure.py"}
MODEL = "llama-demo"
CLIENT_NUMBER, REQUESTS_EACH = 4, 8  # each of the eight lengths as often as the others
TRIES = 2
"""Another program that begins meanwhile delays one of the two; then both are measured once more."""
WORDS = (300, 400, 500, 600, 700, 800, 900, 1200)
"""Lengths of the prompts."""
MAX_TOKENS = 40
SETTINGS = {"cold_start_seconds": 0, "prefill_seconds_per_token": 0.001}
"""A model that reads slowly, so that prompts of a few kilobytes make first tokens take long."""
TOLERANCE = 0.1


@click.command()
@click.option("--write", is_flag=True, help="Write the table in docs/benchmark.md.")
def main(write: bool) -> None:
    python = environment_of(LLMETER)
    with tempfile.TemporaryDirectory() as folder:
        prompts = Path(folder) / "prompts.jsonl"
        bodies = [{"messages": [{"role": "user", "content": "word " * count}]} for count in WORDS]
        prompts.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")
        simulation = Simulation(profile="case-study", settings=SETTINGS)
        models = ROOT / "models/local.json"
        with Local.start(ROOT / "template.yaml", root=ROOT, models=models, simulation=simulation) as local:
            _bench(local, prompts, requests=CLIENT_NUMBER)  # functions and model are cold, and get warm
            for _ in range(TRIES):
                theirs = _llmeter(local, python, prompts)
                ours = _bench(local, prompts, requests=CLIENT_NUMBER * REQUESTS_EACH)
                rows, worst = _compared(theirs, ours)
                click.echo(plain(rows))
                if worst <= TOLERANCE:
                    break
    if write:
        PAGE.write_text(replace_block(PAGE.read_text(), "llmeter", markdown(rows) + "\n"))
    if worst > TOLERANCE:
        raise SystemExit(f"a figure differs by {worst:.1%}")


def _llmeter(local: Local, python: Path, prompts: Path) -> dict[str, Any]:
    arguments = [str(prompts), MODEL, str(MAX_TOKENS), str(CLIENT_NUMBER), str(REQUESTS_EACH)]
    environment = os.environ | {"TOLLGATE_URL": local.url, "TOLLGATE_KEY": local.key}
    command = [str(python), str(CLIENTS / LLMETER["script"]), *arguments]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    assert not found["failed"], "every request of llmeter's is answered"
    return found


def _bench(local: Local, prompts: Path, requests: int) -> dict[str, Any]:
    """The figures of `tollgate bench`, with the answers' seconds among them."""
    with tempfile.TemporaryDirectory() as folder:
        tollgate = str(Path(sys.executable).with_name("tollgate"))
        command = [
            tollgate, "bench", "--url", f"{local.url}/stream/v1", "--key", local.key, "--model", MODEL,
            "--clients", str(CLIENT_NUMBER), "--requests", str(requests), "--warmup", "0",
            "--prompts", str(prompts), "--max-tokens", str(MAX_TOKENS), "--out", folder, "--output", "json",
        ]  # fmt: skip
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
        lines = (Path(folder) / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        (row,) = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))["rows"]
    samples = [json.loads(line) for line in lines]
    return {
        "total_s": [sample["total_s"] for sample in samples],
        "first_s": [sample["first_s"] for sample in samples],
        "requests_per_minute": row["requests_per_minute"],
    }


def _compared(theirs: dict[str, Any], ours: dict[str, Any]) -> tuple[list[tuple[str, ...]], float]:
    """A row for each figure, and the largest difference."""
    rows = [("figure", "llmeter", "tollgate bench", "difference")]
    worst = 0.0
    for name, of in FIGURES.items():
        one, other = of(theirs), of(ours)
        difference = other / one - 1
        worst = max(worst, abs(difference))
        rows.append((name, f"{one:.3f}", f"{other:.3f}", f"{difference:+.1%}"))
    return rows, worst


def _quantile(field: str, share: float) -> Any:
    def of(measured: dict[str, Any]) -> float:
        return quantile(sorted(measured[field]), share)

    return of


def _rate(measured: dict[str, Any]) -> float:
    rate: float = measured["requests_per_minute"]
    return rate


FIGURES: dict[str, Any] = {
    "P50, s": _quantile("total_s", 0.5),
    "P90, s": _quantile("total_s", 0.9),
    "P95, s": _quantile("total_s", 0.95),
    "P99, s": _quantile("total_s", 0.99),
    "time to the first token, P50, s": _quantile("first_s", 0.5),
    "requests a minute": _rate,
}

if __name__ == "__main__":
    main()
