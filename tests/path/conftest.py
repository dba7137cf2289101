"""The whole path on one machine, started once, and the clients that people use."""

from __future__ import annotations

import httpx
import openai
import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.deployment import LOCAL_FILE, environment_text
from tollgate.dev import Local


@pytest.fixture(scope="session")
def local():
    with Local.start(template=ROOT / "template.yaml", models=ROOT / "models" / "local.json") as running:
        yield running


@pytest.fixture
def client(local):
    with openai.OpenAI(base_url=f"{local.url}/v1", api_key=local.key, max_retries=0) as openai_client:
        yield openai_client


@pytest.fixture
def http(local):
    headers = {"Authorization": f"Bearer {local.key}"}
    with httpx.Client(base_url=local.url, headers=headers, timeout=30) as http_client:
        yield http_client


@pytest.fixture
def tollgate(local, tmp_path, monkeypatch):
    """Run a command as in a checkout in which `make dev` runs; gives its exit code, its output and its error output."""
    (tmp_path / LOCAL_FILE.parent).mkdir()
    (tmp_path / LOCAL_FILE).write_text(environment_text(local.environment()))
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")

    def run(*arguments, text=None):
        result = CliRunner().invoke(main, [*arguments, "--local"], input=text)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return run
