"""The whole path, for clients that send nonsense.

FUZZ_EXAMPLES says how many examples each property gets; `make test` is content with few.
"""

from __future__ import annotations

import os

import httpx
import pytest
from hypothesis import HealthCheck, settings

from tests.conftest import ROOT
from tollgate.dev import Local

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""The same examples in every `make test`, other ones in every long run."""
MODELS = ("apexguru", "llama-demo", "mistral-demo")


def echo_models():
    """One model for each body format, without artifacts."""
    return [
        {"serve": {"engine": "echo", "architecture": architecture, "body_format": body_format},
         "record": {"model": model, "variants": [{"name": "v", "model_id": None, "body_format": body_format,
                                                  "chat_template": template}]}}
        for model, architecture, body_format, template in (
            ("apexguru", "qwen2", "openai", None),
            ("llama-demo", "llama", "bedrock", "llama3"),
            ("mistral-demo", "mistral", "mistral", "mistral-v3"),
        )
    ]  # fmt: skip


@pytest.fixture(scope="session")
def local():
    limits = {"RateLimit": "100000", "BurstLimit": "100000", "MonthlyQuota": "100000000"}
    with Local.start(ROOT / "template.yaml", models=echo_models(), parameters=limits) as running:
        yield running


@pytest.fixture(scope="session")
def http(local):
    with httpx.Client(base_url=local.url, headers={"Authorization": f"Bearer {local.key}"}, timeout=20) as client:
        yield client


def assert_one_answer(answer: httpx.Response) -> None:
    """A completion, or a refusal in OpenAI's shape: never a failure of ours."""
    assert answer.status_code < 500, (answer.request.content, answer.text[:500])
    assert answer.headers["x-request-id"]
    if answer.status_code != 200:
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code", "request_id"}
        assert error["request_id"] == answer.headers["x-request-id"]
        assert isinstance(error["message"], str)
