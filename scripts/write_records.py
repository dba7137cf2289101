"""Write what the commands in docs/records.md print, by running them: python -m scripts.write_records

Every line of a `console` block that begins with `$ tollgate` is run, in the page's order, in one folder and against one
local stack. A comment `<!-- GIVEN name -->` between the blocks runs a function of `GIVEN`: what somebody else has done.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shlex
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from tollgate.cli import main as tollgate
from tollgate.deployment import LOCAL_FILE, environment_text
from tollgate.dev import Local
from tollgate.emulators.cloudwatch.metrics import Metric
from tollgate_release.model_table import ModelTable

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "records.md"

# What differs from run to run.
VOLATILE = (
    (r"(imported-model|…)/[0-9a-z]{12}\b", r"\1/abcdefghijkl"),
    (r"stack=tollgate-\d+", "stack=tollgate"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-11-26 09:00:00"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "2026-11-26 09:00"),
    (r"< 1 min ago|\b\d+ (s|min) ago", "5 s ago"),
    (r"arn:aws:sts::\d+:user/moto", "arn:aws:iam::123456789012:user/alice"),
    (r"by moto\b", "by alice"),
)
_LONGEST_PING_S = 10.0
_PARTS = re.compile(r"^<!-- GIVEN (?P<given>\w+) -->$|^```console\n(?P<block>.*?)^```$", re.MULTILINE | re.DOTALL)


def prepare(local: Local, folder: Path) -> None:
    """Leave a reader's files in the folder, and import two versions of a model, and one that nobody needs any more."""
    arns = [local.bedrock.register(name=name) for name in ("my-model-v1", "my-model-v2", "old-experiment")]
    v1 = {"name": "v1", "weight": 100, "model_id": arns[0], "body_format": "openai"}
    v2 = {"name": "v2", "weight": 0, "model_id": arns[1], "body_format": "openai"}
    for file, record in (
        ("my-record.json", {"model": "my-model", "variants": [v1]}),
        ("my-new-record.json", {"model": "my-model", "variants": [v1, v2], "limits": {"max_tokens": 4096}}),
    ):
        (folder / file).write_text(json.dumps(record), encoding="utf-8")
    (folder / LOCAL_FILE).parent.mkdir()
    (folder / LOCAL_FILE).write_text(environment_text(local.environment()), encoding="utf-8")


def a_release_runs(local: Local) -> None:
    """Have a release hold the record, with a quarter of the requests for v2."""
    table = ModelTable(local.dynamodb, local.model_table)
    stored = table.get("my-model")
    assert stored is not None
    for variant, weight in zip(stored.record["variants"], (75, 25), strict=True):
        variant["weight"] = weight
    table.put(stored.record, revision=stored.revision, who="release", now=1.0, releasing="my-model/v2")


def a_model_is_deleted(local: Local) -> None:
    """Delete an imported model that a record names, past Tollgate."""
    local.bedrock.remove(local.bedrock.model("my-model-v2"))


GIVEN = {"a_release_runs": a_release_runs, "a_model_is_deleted": a_model_is_deleted}


def rewritten(page: str, local: Local) -> str:
    """The page with the output of each command made anew."""

    def anew(part: re.Match[str]) -> str:
        if part["given"]:
            GIVEN[part["given"]](local)
            return part.group()
        commands = [line for line in part["block"].splitlines() if line.startswith("$ tollgate ")]
        return "```console\n" + "".join(f"{line}\n{output_of(line, local)}" for line in commands) + "```"

    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepare(local, Path(folder))
        return _PARTS.sub(anew, page)


def output_of(line: str, local: Local) -> str:
    """What a command prints, its errors too, and how it ends if that is not well."""
    _, _, *arguments = shlex.split(line)
    pings = pings_counted(local)
    result = CliRunner().invoke(tollgate, arguments, catch_exceptions=False)
    text = result.output
    if "Warming it now." in text:
        # What the next command prints depends on it.
        until = time.monotonic() + _LONGEST_PING_S
        while pings_counted(local) == pings and time.monotonic() < until:
            time.sleep(0.02)
    for pattern, stand_in in VOLATILE:
        text = re.sub(pattern, stand_in, text)
    return text if result.exit_code == 0 else f"{text}(exit code {result.exit_code})\n"


def pings_counted(local: Local) -> float:
    """How many keep-warm requests the local CloudWatch has counted."""
    metric = Metric("Tollgate", "KeepWarmPings", frozenset({("stack", local.stack.name), ("service", "inference")}))
    return sum(value for _, value in local.metrics.statistics(metric, 0, math.inf, 60, "Sum"))


def main() -> None:
    with Local.start(template=ROOT / "template.yaml") as local:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), local), encoding="utf-8")


if __name__ == "__main__":
    main()
