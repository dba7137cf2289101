"""Runs the clients of tests/clients/clients.toml against a local stack, each in an environment of its own.

    make test-clients                         # all of them; the table in docs/clients.md is renewed with --write
    make test-clients ARGS="--only boto3"

Packages come from the package indexes, in their newest versions, since those are what people install. Exits with 1 if
any check failed. Where no Node.js is there, its clients are left out, loudly.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import click

from scripts.write_docs import replace_block
from tollgate.dev import Local
from tollgate.text_tables import markdown

ROOT = Path(__file__).parent.parent
CLIENTS = ROOT / "tests" / "clients"
ENVIRONMENTS = ROOT / "build" / "clients"
PAGE = ROOT / "docs" / "clients.md"
FEATURES = {
    "plain": "answer",
    "stream": "stream",
    "tools": "tools",
    "forced_tools": "forced tool",
    "structured": "structured",
    "responses": "Responses",
    "models": "models",
    "converse": "Converse",
    "sagemaker": "SageMaker",
    "standard": "all tests",
}
_PAUSES_S = (5, 15, 0)
_LIMIT_S = 300


@click.command()
@click.option("--only", multiple=True, help="A client's name; all without it.")
@click.option("--write", is_flag=True, help="Write the table in docs/clients.md.")
def main(only: tuple[str, ...], write: bool) -> None:
    clients = tomllib.loads((CLIENTS / "clients.toml").read_text())["client"]
    chosen = [client for client in clients if not only or client["name"] in only]
    if not chosen:
        raise click.UsageError(f"there are {', '.join(client['name'] for client in clients)}")
    rows = []
    with Local.start(ROOT / "template.yaml", root=ROOT, models=CLIENTS / "models.json") as local:
        environment = os.environ | {"TOLLGATE_URL": local.url, "TOLLGATE_KEY": local.key}
        for client in chosen:
            if client["script"].endswith(".mjs") and shutil.which("npm") is None:
                click.echo(f"NOT RUN: {client['name']}, since no Node.js is there", err=True)
                continue
            outcome = _try(client, environment)
            rows.append((client, outcome))
            click.echo(f"{client['name']} {outcome['version']}: {_summary(outcome['results'])}")
    if write:
        _write_page(rows)
    failed = [client["name"] for client, outcome in rows if set(outcome["results"].values()) != {"ok"}]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _try(client: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """What a client's script says: its version, and each feature's outcome."""
    place = ENVIRONMENTS / Path(client["script"]).stem
    place.mkdir(parents=True, exist_ok=True)
    if client["script"].endswith(".mjs"):
        # Node looks for packages beside the script.
        for file in CLIENTS.glob("*.mjs"):
            shutil.copy(file, place)
        _must(["npm", "install", "--silent", "--no-save", "--prefix", ".", *client["packages"]], place)
        command = ["node", client["script"]]
    else:
        command = [str(environment_of(client)), str(CLIENTS / client["script"])]
    try:
        finished = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=_LIMIT_S
        )
        outcome: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        return {"version": "?", "results": {"plain": f"the script did not end well: {type(error).__name__}"}}
    if set(outcome["results"].values()) != {"ok"}:
        click.echo(finished.stderr[-4000:], err=True)
    return outcome


def environment_of(client: dict[str, Any]) -> Path:
    """The Python of a new environment with a client's packages."""
    place = ENVIRONMENTS / Path(client["script"]).stem
    place.mkdir(parents=True, exist_ok=True)
    uv = str(Path(sys.executable).with_name("uv"))
    _must([uv, "venv", "--quiet", "--clear", "--python", sys.executable, "venv"], place)
    _must([uv, "pip", "install", "--quiet", "--python", "venv/bin/python", *client["packages"]], place)
    return place / "venv/bin/python"


def _must(command: list[str], place: Path) -> None:
    """Install something. It is tried three times: a package index may be away for a moment."""
    for pause_s in _PAUSES_S:
        finished = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if finished.returncode == 0:
            return
        click.echo(f"{' '.join(command)} failed; again in {pause_s} s", err=True)
        time.sleep(pause_s)
    raise click.ClickException(f"{' '.join(command)} failed:\n{finished.stderr}")


def _summary(results: dict[str, str]) -> str:
    return ", ".join(f"{name} {outcome}" for name, outcome in results.items())


def _write_page(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Write the two tables of the page: what works, and the lines that each client needs."""
    works = []
    for client, outcome in rows:
        cells = []
        for feature in FEATURES:
            found = outcome["results"].get(feature)
            cells.append("" if found is None else "yes" if found == "ok" else "no")
        works.append((client["name"], outcome["version"], *cells))
    setup = [(client["name"], f"`{client['setup']}`") for client, _ in rows]
    text = PAGE.read_text()
    for name, table in (
        ("works", [("Client", "Version", *FEATURES.values()), *works]),
        ("setup", [("Client", "What it needs"), *setup]),
    ):
        text = replace_block(text, name, f"{markdown(table)}\n")
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
