"""langchain-openai and langchain-aws."""

from __future__ import annotations

import os

from harness import ANSWER, KEY, STREAM, URL, V1, run

os.environ |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ |= {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": URL}

from langchain_aws import ChatBedrockConverse
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return "18"


class City(BaseModel):
    """A city."""

    city: str


def chat(model, url=V1, **more):
    return ChatOpenAI(model=model, base_url=url, api_key=KEY, max_retries=0, **more)


def plain(model):
    for url in (V1, STREAM):
        assert chat(model, url).invoke("Hello").content
    assert OpenAI(model=model, base_url=V1, api_key=KEY, max_retries=0).invoke("Hello")


def stream(model):
    assert "".join(chunk.content for chunk in chat(model, STREAM).stream("Hello"))


def tools(model):
    bound = chat(model).bind_tools([weather])
    called = bound.invoke("Hello")
    result = ToolMessage("18", tool_call_id=called.tool_calls[0]["id"])
    assert ANSWER in bound.invoke([HumanMessage("Hello"), called, result]).content


def forced_tools(model):
    assert chat(model).with_structured_output(City, method="function_calling").invoke("Hello").city


def structured(model):
    assert chat(model).with_structured_output(City, method="json_schema").invoke("Hello").city


def responses(model):
    assert chat(model, use_responses_api=True).invoke("Hello").text


def converse(model):
    bedrock = ChatBedrockConverse(model=model)
    assert bedrock.invoke("Hello").content
    assert bedrock.bind_tools([weather]).invoke("Hello").tool_calls
    assert list(ChatBedrockConverse(model=model, disable_streaming=False).stream("Hello"))


if __name__ == "__main__":
    run("langchain-openai", plain=plain, stream=stream, tools=tools, forced_tools=forced_tools, structured=structured,
        responses=responses, converse=converse)  # fmt: skip
