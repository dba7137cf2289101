"""The whole path on one machine, started once, and the clients that people use."""

from __future__ import annotations

import httpx
import openai
import pytest

from tests.conftest import ROOT
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
