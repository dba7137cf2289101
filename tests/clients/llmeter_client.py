"""llmeter, which measures endpoints."""

from __future__ import annotations

import asyncio

from harness import KEY, STREAM, V1, run
from llmeter.endpoints import OpenAICompletionEndpoint, OpenAICompletionStreamEndpoint
from llmeter.runner import Runner


def measured(endpoint):
    payload = endpoint.create_payload("Hello", max_tokens=20)
    result = asyncio.run(Runner(endpoint).run(payload=payload, n_requests=2, clients=2))
    assert result.stats["failed_requests"] == 0


def plain(model):
    measured(OpenAICompletionEndpoint(model_id=model, base_url=V1, api_key=KEY))


def stream(model):
    measured(OpenAICompletionStreamEndpoint(model_id=model, base_url=STREAM, api_key=KEY))


if __name__ == "__main__":
    run("llmeter", plain=plain, stream=stream)
