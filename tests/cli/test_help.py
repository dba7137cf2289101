"""The command itself: it lists what it can do without loading what its subcommands need."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from tests.conftest import ROOT
from tollgate.cli import main

HEAVY = ("boto3", "httpx", "moto", "numpy", "pydantic_core", "samtranslator", "starlette", "tokenizers", "uvicorn")


def test_help_lists_every_command():
    answer = CliRunner().invoke(main, ["--help"])

    assert answer.exit_code == 0
    assert {"bedrock", "cost", "dev", "inspect", "models", "promote", "record", "roll-back"} <= set(
        answer.output.split()
    )


def test_the_command_loads_none_of_what_its_subcommands_need():
    code = f"import sys, tollgate.cli; assert not set({HEAVY}) & set(sys.modules), set({HEAVY}) & set(sys.modules)"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
