"""instructor, which forces a tool for structured output."""

from __future__ import annotations

import instructor
from harness import KEY, V1, run
from openai import OpenAI
from pydantic import BaseModel

OPENAI = OpenAI(base_url=V1, api_key=KEY, max_retries=0)


class City(BaseModel):
    city: str


def ask(model, mode):
    client = instructor.from_openai(OPENAI, mode=mode)
    messages = [{"role": "user", "content": "Hello"}]
    return client.chat.completions.create(model=model, messages=messages, response_model=City, max_retries=0)


def forced_tools(model):
    assert ask(model, instructor.Mode.TOOLS).city


def structured(model):
    assert ask(model, instructor.Mode.JSON_SCHEMA).city


if __name__ == "__main__":
    run("instructor", forced_tools=forced_tools, structured=structured)
