"""The release that README and docs/releases.md tell people to type works against a local stack."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tollgate.deployment import LOCAL_FILE, environment_text
from tollgate.dev import Local

pytestmark = [pytest.mark.slow, pytest.mark.path]

README = (ROOT / "README.md").read_text()
RELEASES = (ROOT / "docs/releases.md").read_text()
HYBRID = (ROOT / "docs/hybrid.md").read_text()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which `make dev` runs: the command, the examples, and the file of addresses."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "examples").symlink_to(ROOT / "examples")
    command = root / ".venv/bin/tollgate"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from tollgate.command import main; main()" "$@"\n')
    command.chmod(0o755)
    with Local.start(ROOT / "template.yaml", models=ROOT / "models/local.json") as local:
        addresses = root / LOCAL_FILE
        addresses.parent.mkdir()
        addresses.write_text(environment_text(local.environment()))
        yield root


def run(checkout: Path, commands: str) -> str:
    # Seconds instead of five: nothing comes that would have to be waited for.
    commands = commands.replace("/tmp/", f"{checkout}/").replace("--interval 5s", "--interval 1s")
    finished = subprocess.run(["sh", "-ec", commands], cwd=checkout, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_readmes_release_is_promoted_and_rolled_back(checkout):
    (commands,) = re.findall(r"^```sh\n(cp -r .*?)^```$", README, re.MULTILINE | re.DOTALL)

    said = run(checkout, commands)

    assert "serves" in said
    assert re.search(r"apexguru +second +100", said)
    listed = json.loads(run(checkout, ".venv/bin/tollgate models --local --output json"))
    weights = {row["variant"]: row["weight"] for row in listed if row["model"] == "apexguru"}
    assert weights == {"local": 100, "second": 0}

    # AND its variants, one of which is a copy of the other, are told to answer alike
    (comparison,) = re.findall(r"^```sh\n(.*?)^```$", HYBRID, re.MULTILINE | re.DOTALL)
    assert "1 of 1 prompts were answered by both, 1 in the same way." in run(checkout, comparison)

    # AND the pipeline's step, whose artifacts were released before, ends well and says so in its last line
    pipeline = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```$", RELEASES, re.MULTILINE | re.DOTALL)[1])
    (step,) = [step for step in pipeline["steps"] if step.get("id") == "release"]
    addresses = (checkout / LOCAL_FILE).read_text()
    bucket = re.search(r'"ArtifactBucketName": "([^"]+)"', addresses)[1]
    command = step["run"].replace("s3://my-models/", f"s3://{bucket}/")
    command = command.replace("${{ github.sha }}", "second").replace("golden.jsonl", "/tmp/golden.jsonl")
    *_, last = run(checkout, f".venv/bin/{command} --local").splitlines()
    assert json.loads(last)["result"] == "duplicate"
