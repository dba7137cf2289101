"""smolagents, whose tool agents always require a call."""

from __future__ import annotations

from harness import KEY, V1, run
from smolagents import OpenAIServerModel, tool
from smolagents.models import ChatMessage, MessageRole


@tool
def weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city.
    """
    return "18"


def hello():
    return [ChatMessage(MessageRole.USER, "Hello")]


def model_of(name):
    return OpenAIServerModel(name, api_base=V1, api_key=KEY)


def plain(model):
    assert model_of(model).generate(hello()).content


def forced_tools(model):
    answer = model_of(model).generate(hello(), tools_to_call_from=[weather])
    assert answer.tool_calls[0].function.name == "weather"


if __name__ == "__main__":
    run("smolagents", plain=plain, tools=forced_tools, forced_tools=forced_tools)
