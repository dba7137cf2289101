"""openai-python."""

from __future__ import annotations

import openai
from harness import ANSWER, KEY, SCHEMA, STREAM, V1, run
from pydantic import BaseModel

CLIENTS = [openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) for url in (V1, STREAM)]
HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {"name": "weather", "description": "The weather of a city", "parameters": SCHEMA}


class City(BaseModel):
    city: str


def plain(model):
    for client in CLIENTS:
        assert client.chat.completions.create(model=model, messages=HELLO).choices[0].message.content


def stream(model):
    for client in CLIENTS:
        with client.chat.completions.stream(model=model, messages=HELLO) as events:
            assert events.get_final_completion().choices[0].message.content


def tools(model):
    for client in CLIENTS:
        messages = list(HELLO)
        offered = [{"type": "function", "function": TOOL}]
        message = client.chat.completions.create(model=model, messages=messages, tools=offered).choices[0].message
        messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "18"}]
        answer = client.chat.completions.create(model=model, messages=messages, tools=offered)
        assert ANSWER in answer.choices[0].message.content


def forced_tools(model):
    named = {"type": "function", "function": {"name": "weather"}}
    for choice in ("required", named):
        message = CLIENTS[0].chat.completions.create(
            model=model, messages=HELLO, tools=[{"type": "function", "function": TOOL}], tool_choice=choice
        )
        assert message.choices[0].message.tool_calls[0].function.name == "weather"


def structured(model):
    parsed = CLIENTS[0].chat.completions.parse(model=model, messages=HELLO, response_format=City)
    assert parsed.choices[0].message.parsed.city
    assert CLIENTS[0].responses.parse(model=model, input="Hello", text_format=City).output_parsed.city


def responses(model):
    for client in CLIENTS:
        first = client.responses.create(model=model, input="Hello", tools=[{"type": "function", **TOOL}])
        call = first.output[-1]
        items = [{"role": "user", "content": "Hello"}, *first.output]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": "18"})
        assert ANSWER in client.responses.create(model=model, input=items).output_text
        with client.responses.stream(model=model, input="Hello") as events:
            assert events.get_final_response().output_text


def models(model):
    for client in CLIENTS:
        assert model in [found.id for found in client.models.list()]


if __name__ == "__main__":
    run("openai", plain=plain, stream=stream, tools=tools, forced_tools=forced_tools, structured=structured,
        responses=responses, models=models)  # fmt: skip
