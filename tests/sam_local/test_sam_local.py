"""The functions as `sam build` makes them, in Lambda's containers, on the events that stand in `events/`."""

from __future__ import annotations

import json
import os
import platform
import subprocess

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.sam_local, pytest.mark.timeout(300)]

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
BUILD = ROOT / ".aws-sam" / f"local-{ARCHITECTURE}"


def sam(*arguments):
    result = subprocess.run(
        ["sam", *arguments, "--parameter-overrides", f"Architecture={ARCHITECTURE}"],
        cwd=ROOT, env=SHELL, capture_output=True, text=True, timeout=280, check=False
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


SHELL = dict(os.environ)


@pytest.fixture(scope="module", autouse=True)
def _built():
    sam("build", "--build-dir", str(BUILD))


def invoke(function, event):
    output = sam("local", "invoke", function, "-e", f"events/{event}.json", "-t", str(BUILD / "template.yaml"))
    return json.loads(output.strip().splitlines()[-1])


@pytest.mark.parametrize("event", ["chat-openai", "chat-bedrock", "chat-mistral", "completion-bedrock"])
def test_preprocess_makes_an_invocation(event):
    result = invoke("PreprocessFunction", f"preprocess/{event}")

    assert result["invocation"]["model_id"].startswith("arn:aws:bedrock:")
    assert result["spec"]["model"]


def test_preprocess_refuses_what_is_not_json():
    assert invoke("PreprocessFunction", "preprocess/not-json")["response"]["status"] == 400


@pytest.mark.parametrize("event, status", [("openai-chat", 200), ("openai-chat-stream", 200), ("model-not-ready", 503)])
def test_postprocess_answers(event, status):
    assert invoke("PostprocessFunction", f"postprocess/{event}")["status"] == status


def test_authorizer_hands_the_token_on():
    assert invoke("AuthorizerFunction", "authorizer/bearer")["usageIdentifierKey"] == "tollgate-local"
