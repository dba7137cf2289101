"""openai-agents, whose default is the Responses API."""

from __future__ import annotations

import asyncio

from agents import Agent, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from harness import ANSWER, KEY, V1, run
from openai import AsyncOpenAI
from pydantic import BaseModel

set_tracing_disabled(True)
set_default_openai_client(AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0))


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return "18"


class City(BaseModel):
    city: str


def plain(model):
    assert Runner.run_sync(Agent(name="a", model=model), "Hello").final_output


def stream(model):
    async def streamed():
        # A client belongs to the event loop that it is first used in.
        set_default_openai_client(AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0))
        result = Runner.run_streamed(Agent(name="a", model=model), "Hello")
        async for _ in result.stream_events():
            pass
        return result.final_output

    assert asyncio.run(streamed())


def tools(model):
    assert ANSWER in Runner.run_sync(Agent(name="a", model=model, tools=[weather]), "Hello").final_output


def structured(model):
    assert Runner.run_sync(Agent(name="a", model=model, output_type=City), "Hello").final_output.city


if __name__ == "__main__":
    run("openai-agents", plain=plain, tools=tools, structured=structured, responses=plain, stream=stream)
