"""A stack whose models have hooks that do what a client's body asks for."""

from __future__ import annotations

import json

import boto3
import httpx
import pytest

from tests.conftest import ROOT
from tests.faults.stack import Log
from tollgate.dev import Local

SECRET = "quokka-4711"
"""What the client wrote: no log line may repeat it."""
OBEDIENT = "tests/hooks/obedient.py"


def entry(name, **hooks):
    """A model that echoes, and whose hooks are obedient; `hooks` are the record's own words for them."""
    functions = {hook: f"{OBEDIENT}:{hook}" for hook in ("before", "after")}
    variant = {"name": "v", "model_id": None, "body_format": "openai"}
    return {
        "serve": {"engine": "echo", "hooks": functions},
        "record": {
            "model": name,
            "variants": [variant],
            "hooks": {hook: {"function": None, **hooks.get(hook, {})} for hook in functions},
        },
    }


class Hooked:
    """A running stack, and requests to it."""

    def __init__(self, local, log):
        self.local = local
        self.log = log
        self.http = httpx.Client(base_url=local.url, headers={"Authorization": f"Bearer {local.key}"}, timeout=40)

    def ask(self, base, model="hooked", stream=False, **body):
        """Send a chat; its body may have orders for the hooks."""
        if "apex" not in body:
            body["messages"] = [{"role": "user", "content": SECRET}]
        return self.http.post(f"{base}/chat/completions", json={"model": model, "stream": stream, **body})

    def calls(self, model="hooked"):
        """How often the model was asked so far."""
        return self.local.bedrock.model(model).traffic.invocations

    def sagemaker(self):
        return self._aws("sagemaker-runtime")

    def bedrock(self):
        return self._aws("bedrock-runtime")

    def _aws(self, service):
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=f"{self.local.url}/k/{self.local.key}",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )


@pytest.fixture(scope="session")
def hooked():
    log = Log()
    models = [
        entry("hooked"),
        entry("ending", after={"stream": "end"}),
        entry("ending-skips", after={"stream": "end", "on_failure": "skip"}),
        entry("off", after={"stream": "off"}),
    ]
    with Local.start(ROOT / "template.yaml", models=models, console=log) as local:
        running = Hooked(local, log)
        yield running
        running.http.close()


def events(answer):
    """The JSON documents of a stream's events."""
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
