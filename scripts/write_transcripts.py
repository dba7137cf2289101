"""Write the transcripts in docs/releases.md and docs/keep-warm.md: python -m scripts.write_transcripts

They are of real runs of the commands against a local stack with the toy model; Bedrock is simulated. What differs from
run to run (times, addresses) is shown as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from scripts.write_docs import replace_block
from tollgate.deployment import LOCAL_FILE, environment_text
from tollgate.dev import Local

ROOT = Path(__file__).parent.parent
TOY = ROOT / "examples" / "apexguru-tiny" / "model"
CODE = "for (Account a : accounts) { a.Name = 'New'; update a; }"
GOLDEN = {
    "name": "dml-loop",
    "request": {"messages": [{"role": "user", "content": CODE}]},
    "expect": {"contains": ["Finding"], "max_seconds": 20},
}
QUICK = ("--golden", "golden.jsonl", "--steps", "25,100", "--interval", "5s", "--tolerance", "10%")


class Terminal:
    """A folder in which commands are run against the local stack."""

    def __init__(self, folder: Path, local: Local) -> None:
        self._folder = folder
        file = folder / LOCAL_FILE
        file.parent.mkdir()
        file.write_text(environment_text(local.environment()))

    def run(self, *arguments: str, typed: str = "") -> str:
        """The command as typed, and what it prints; `--local` is added and shown."""
        command = [*arguments, "--local"]
        done = subprocess.run(
            [str(Path(sys.executable).parent / "tollgate"), *command],
            cwd=self._folder, env={**os.environ, "COLUMNS": "150"}, input=typed, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        ended = f"\n(exit code {done.returncode})" if done.returncode else ""
        return f"$ tollgate {' '.join(command)}\n{done.stdout.rstrip()}{ended}\n"


class Traffic:
    """Clients that ask the model until the block ends."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        body = {"model": "apexguru", "messages": [{"role": "user", "content": CODE}], "max_tokens": 5}
        headers = {"Authorization": f"Bearer {self._local.key}"}
        with httpx.Client(timeout=60, headers=headers) as client:
            while not self._over.wait(0.03):
                client.post(f"{self._local.url}/v1/chat/completions", json=body)


def break_when_asked(local: Local, variant: str) -> None:
    """Have a variant's model fail as soon as its canary has begun."""
    while True:
        item = local.dynamodb.get_item(TableName=local.model_table, Key={"model": {"S": "apexguru"}})["Item"]
        for found in json.loads(item["record"]["S"])["variants"]:
            if found["name"] == variant and found["weight"] > 0:
                (model,) = [one for one in local.bedrock.models() if str(one.arn) == found["model_id"]]
                steps = {"steps": [{"error": "ModelErrorException", "times": None}]}
                url = f"{local.bedrock_url}/_tollgate/models/{model.name}/faults"
                httpx.put(url, json=steps).raise_for_status()
                return
        time.sleep(0.05)


def transcripts() -> dict[str, str]:
    """Every transcript by the name of its block."""
    found = {}
    with (
        tempfile.TemporaryDirectory() as temporary,
        Local.start(
            ROOT / "template.yaml", models=ROOT / "models" / "local.json", parameters={"RateLimit": "1000"}
        ) as local,
    ):
        folder = Path(temporary)
        terminal = Terminal(folder, local)
        (folder / "golden.jsonl").write_text(json.dumps(GOLDEN) + "\n")
        for version in ("2026-12-02", "2026-12-09"):
            shutil.copytree(TOY, folder / version)
            (folder / version / "NOTES.md").write_text(version)
        edited = json.loads(
            local.dynamodb.get_item(TableName=local.model_table, Key={"model": {"S": "llama-demo"}})["Item"]["record"][
                "S"
            ]
        )
        edited["defaults"] = {"max_tokens": 512}
        (folder / "llama-demo.json").write_text(json.dumps(edited))
        found["records"] = (
            terminal.run("record", "list")
            + terminal.run("record", "put", "llama-demo.json", "--reason", "shorter")
            + terminal.run("record", "put", "llama-demo.json", "--if-revision", "1")
        )
        with Traffic(local):
            found["release"] = terminal.run("release", "apexguru", "2026-12-02", *QUICK)
            threading.Thread(target=break_when_asked, args=(local, "2026-12-09"), daemon=True).start()
            found["bad"] = terminal.run("release", "apexguru", "2026-12-09", *QUICK)
        found["roll-back"] = terminal.run("models") + terminal.run("roll-back", "apexguru")
        found["keep-warm"] = (
            terminal.run(
                "keep-warm",
                "on",
                "apexguru",
                "--hours",
                "mon-fri,08:00-18:00",
                "--timezone",
                "Europe/Berlin",
                typed="y\n",
            )
            + terminal.run("keep-warm", "status")
            + terminal.run("keep-warm", "on", "apexguru", "--every", "14")
            + terminal.run("keep-warm", "off", "apexguru")
        )
    return found


def main() -> None:
    """Run everything, and write the blocks."""
    found = transcripts()
    for name in ("releases", "keep-warm"):
        file = ROOT / "docs" / f"{name}.md"
        text = file.read_text()
        for block, transcript in found.items():
            if f"<!-- transcript-{block} -->" in text:
                text = replace_block(text, f"transcript-{block}", f"```text\n{transcript}```\n")
        file.write_text(text)


if __name__ == "__main__":
    main()
