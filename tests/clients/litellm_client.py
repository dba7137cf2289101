"""LiteLLM."""

from __future__ import annotations

import litellm
from harness import KEY, SCHEMA, STREAM, V1, run
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": SCHEMA}}]


class City(BaseModel):
    city: str


def ask(model, url=V1, **more):
    given = {"model": f"openai/{model}", "api_base": url, "api_key": KEY, "messages": HELLO}
    return litellm.completion(**given, num_retries=0, max_retries=0, **more)


def plain(model):
    for url in (V1, STREAM):
        assert ask(model, url).choices[0].message.content


def stream(model):
    assert "".join(chunk.choices[0].delta.content or "" for chunk in ask(model, STREAM, stream=True))


def tools(model):
    assert ask(model, tools=TOOLS).choices[0].message.tool_calls[0].function.name == "weather"


def forced_tools(model):
    assert ask(model, tools=TOOLS, tool_choice="required").choices[0].message.tool_calls


def structured(model):
    assert "city" in ask(model, response_format=City).choices[0].message.content


def responses(model):
    answer = litellm.responses(model=f"openai/{model}", api_base=V1, api_key=KEY, input="Hello")
    assert answer.output[-1].content[0].text


if __name__ == "__main__":
    run("litellm", plain=plain, stream=stream, tools=tools, forced_tools=forced_tools, structured=structured,
        responses=responses)  # fmt: skip
