"""pydantic-ai, whose `openai:` is the Responses API and whose structured output is a forced tool."""

from __future__ import annotations

import asyncio
import os

from harness import ANSWER, KEY, V1, run

os.environ |= {"OPENAI_BASE_URL": V1, "OPENAI_API_KEY": KEY}

from pydantic import BaseModel
from pydantic_ai import Agent


class City(BaseModel):
    city: str


def weather(city: str) -> str:
    """The weather of a city."""
    return "18"


def plain(model):
    assert Agent(f"openai-chat:{model}").run_sync("Hello").output


def stream(model):
    async def streamed():
        async with Agent(f"openai-chat:{model}").run_stream("Hello") as result:
            return [text async for text in result.stream_text(delta=True)]

    assert "".join(asyncio.run(streamed()))


def tools(model):
    assert ANSWER in Agent(f"openai-chat:{model}", tools=[weather]).run_sync("Hello").output


def forced_tools(model):
    assert Agent(f"openai-chat:{model}", output_type=City).run_sync("Hello").output.city


def responses(model):
    assert ANSWER in Agent(f"openai-responses:{model}", tools=[weather]).run_sync("Hello").output


if __name__ == "__main__":
    run("pydantic-ai-slim", plain=plain, stream=stream, tools=tools, forced_tools=forced_tools,
        structured=forced_tools, responses=responses)  # fmt: skip
