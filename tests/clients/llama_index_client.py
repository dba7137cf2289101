"""LlamaIndex's OpenAILike, which says parallel_tool_calls: false with every tool."""

from __future__ import annotations

from harness import KEY, V1, run
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class City(BaseModel):
    """A city."""

    city: str


def weather(city: str) -> str:
    """The weather of a city."""
    return "18"


def llm(model):
    return OpenAILike(model=model, api_base=V1, api_key=KEY, is_chat_model=True, is_function_calling_model=True,
                      max_retries=0)  # fmt: skip


def plain(model):
    assert llm(model).chat([ChatMessage("Hello")]).message.content
    completion = OpenAILike(model=model, api_base=V1, api_key=KEY, is_chat_model=False, max_retries=0)
    assert completion.complete("Hello").text


def stream(model):
    assert "".join(chunk.delta or "" for chunk in llm(model).stream_chat([ChatMessage("Hello")]))


def tools(model):
    tool = FunctionTool.from_defaults(weather)
    answer = llm(model).chat_with_tools([tool], user_msg="Hello")
    assert llm(model).get_tool_calls_from_response(answer)[0].tool_name == "weather"


def structured(model):
    assert llm(model).as_structured_llm(City).complete("Hello").raw.city


if __name__ == "__main__":
    run("llama-index-llms-openai-like", plain=plain, stream=stream, tools=tools, forced_tools=structured,
        structured=structured)  # fmt: skip
