"""The commands of docs/hooks.md and docs/migrate-from-sagemaker.md do what the pages say, in their order.

The second page is the whole move: an unchanged client of SageMaker's runtime with JSON of its own, one variable, an
unchanged model.py, and weights that go from the endpoint to the import.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.conftest import ROOT
from tollgate.deployment import LOCAL_FILE, environment_text
from tollgate.dev import Local

pytestmark = [pytest.mark.slow, pytest.mark.path]

HOOKS = (ROOT / "docs" / "hooks.md").read_text()
MIGRATION = (ROOT / "docs" / "migrate-from-sagemaker.md").read_text()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout: the command, the interpreter, the examples."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("examples", "docs", "layers"):
        (root / folder).symlink_to(ROOT / folder)
    commands = root / ".venv/bin"
    commands.mkdir(parents=True)
    for name, start in (("tollgate", '-c "from tollgate.command import main; main()"'), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} {start} "$@"\n')
        (commands / name).chmod(0o755)
    return root


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(checkout, commands, **variables):
    commands = commands.replace("/tmp/", f"{checkout}/")
    finished = subprocess.run(
        ["sh", "-ec", commands],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def start(checkout, command):
    """The stack that a page's `tollgate dev` starts."""
    (models,) = re.findall(r"tollgate dev --models (\S+)$", command.strip())
    local = Local.start(ROOT / "template.yaml", models=ROOT / models)
    (checkout / LOCAL_FILE).parent.mkdir(exist_ok=True)
    (checkout / LOCAL_FILE).write_text(environment_text(local.environment()))
    return local


def test_the_commands_of_the_page_on_hooks(checkout):
    tools, dev, curl = blocks(HOOKS)

    said = run(checkout, tools)
    with start(checkout, dev) as local:
        findings = run(checkout, curl.replace("http://127.0.0.1:3000", local.url))

    assert "It can run as hooks." in said
    assert "Tollgate goes on with its request" in said
    assert "× a bare interpreter" in said
    assert '"findings":' in findings


def test_a_whole_move_touches_no_client(checkout):
    # GIVEN the endpoint and the import as variants of a record, with the script as hooks around both
    dev, *steps = blocks(MIGRATION.split("## The whole way")[1].split("## What it costs")[0])
    with start(checkout, dev) as local:
        exports, first = steps[0].replace("http://127.0.0.1:3000", local.url).splitlines()
        variables = dict(pair.split("=", 1) for pair in exports.removeprefix("export ").split())

        # WHEN the page's steps are taken, one after another
        answered = []
        for commands in (first, *steps[1:]):
            lines = run(checkout, commands, **variables).splitlines()
            answered.append(Counter(line for line in lines if line.endswith("DML statement in a loop")))

        # THEN the endpoint answers alone, then both, then the import alone, and every answer is right
        endpoint, imported = (f"{name} 1 DML statement in a loop" for name in ("sagemaker", "imported"))
        assert answered[0] == {endpoint: 1}
        assert sum(answered[1].values()) == 20
        assert answered[1][endpoint] > answered[1][imported]
        assert answered[2:] == [{imported: 5}, {imported: 5}]

        # AND no invocation was made twice
        asked = [local.bedrock.model(name).traffic.invocations for name in ("apexguru-endpoint", "apexguru-prod")]
        assert asked[0] == 1 + answered[1][endpoint]
        assert asked[1] >= answered[1][imported] + 10  # and what warmed it
