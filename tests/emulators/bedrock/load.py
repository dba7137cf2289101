"""Many streams at once, read by asyncio clients."""

from __future__ import annotations

import asyncio
import base64
import json
from urllib.parse import quote

import httpx
from botocore.eventstream import EventStreamBuffer


def completions(url: str, arn: str, prompts: list[str]) -> list[str]:
    """The completion of each prompt, all streamed at the same time."""
    return asyncio.run(_completions(url, arn, prompts))


async def _completions(url: str, arn: str, prompts: list[str]) -> list[str]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        return await asyncio.gather(*(_completion(client, arn, prompt) for prompt in prompts))


async def _completion(client: httpx.AsyncClient, arn: str, prompt: str) -> str:
    path = f"/model/{quote(arn, safe='')}/invoke-with-response-stream"
    buffer, text = EventStreamBuffer(), ""
    async with client.stream("POST", path, json={"prompt": prompt, "max_tokens": 50}) as response:
        response.raise_for_status()
        async for data in response.aiter_raw():
            buffer.add_data(data)
            for event in buffer:
                chunk = json.loads(base64.b64decode(json.loads(event.payload)["bytes"]))
                text += chunk["choices"][0]["text"]
    return text
