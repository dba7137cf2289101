"""The body of POST /v1/chat/completions.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from api.requests.messages import Message, NamedTool, Tool
from api.requests.sampling import SamplingParameters
from api.requests.shape import (
    NO_MODEL,
    OPENAI,
    OPENAI_CHAT,
    OPENAI_COMPLETION,
    TEMPLATE,
    TOLLGATE,
    Anything,
    ObjectTag,
    either,
    parameter,
)


class ChatCompletionRequest(SamplingParameters):
    """A completion of a conversation; unknown parameters are refused."""

    # The same most as OpenAI's: who can talk to OpenAI can talk to us.
    messages: Annotated[list[Message], Field(min_length=1, max_length=2048)] | None = parameter(
        "The conversation, of up to 2048 messages. A model with a prompt of its own takes variables instead.",
        honoured_by=[TOLLGATE],
    )
    variables: dict[str, str] | None = parameter(
        "The values to fill into the model's own prompt, text by name.", honoured_by=[TOLLGATE]
    )
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = parameter(
        "The same as max_tokens; where both are given, this one counts.", honoured_by=[TOLLGATE]
    )
    logprobs: bool | None = parameter(
        "Answer with the log probability of each token.", honoured_by=OPENAI, nothing=[False]
    )
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = parameter(
        "With logprobs: the log probabilities of so many likely tokens at each place.",
        honoured_by=OPENAI,
        renamed={OPENAI_COMPLETION: "logprobs"},
        nothing=[0],
    )
    tools: Annotated[list[Tool], Field(max_length=128)] | None = parameter(
        "The tools that the model may call.", honoured_by=[OPENAI_CHAT, TEMPLATE], nothing=[[]]
    )
    tool_choice: (
        Annotated[
            Annotated[Literal["none", "auto", "required"], Tag("<text>")] | Annotated[NamedTool, ObjectTag],
            either("should be none, auto, required or a named function"),
        ]
        | None
    ) = parameter(
        "Whether the model may call tools: `none`, `auto`, `required`, or a named function as an object.",
        honoured_by=[OPENAI_CHAT, TEMPLATE],
    )
    parallel_tool_calls: bool | None = parameter(
        "Whether one answer may have several calls; false ends it in front of its second call.",
        honoured_by=[OPENAI_CHAT, TEMPLATE],
        nothing=[True],
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = parameter(
        "How long a reasoning model thinks. A chat template with a switch turns thinking off for none and minimal.",
        honoured_by=[OPENAI_CHAT],
        nothing_elsewhere=["none", "medium"],
    )
    # Beyond OpenAI's API, with the names that vLLM gives them.
    chat_template_kwargs: dict[str, Any] | None = parameter(
        "Variables of the model's chat template.", honoured_by=[OPENAI_CHAT, TEMPLATE], nothing=[{}]
    )
    documents: list[dict[str, Any]] | None = parameter(
        "Documents for a chat template that knows retrieval.", honoured_by=[OPENAI_CHAT, TEMPLATE], nothing=[[]]
    )
    add_generation_prompt: bool | None = parameter(
        "Whether the prompt ends by opening the assistant's turn.",
        honoured_by=[OPENAI_CHAT, TEMPLATE],
        nothing=[True],
    )
    continue_final_message: bool | None = parameter(
        "Whether the model continues the last message instead of answering it.",
        honoured_by=[OPENAI_CHAT, TEMPLATE],
        nothing=[False],
    )
    # OpenAI's, for what no model here can do.
    modalities: list[str] | None = parameter("Answers are text.", honoured_by=NO_MODEL, nothing=[["text"], []])
    audio: Anything = parameter("Answers are text.", honoured_by=NO_MODEL)
    prediction: Anything = parameter("There are no predicted outputs.", honoured_by=NO_MODEL)
    verbosity: Literal["low", "medium", "high"] | None = parameter(
        "No model here has it.", honoured_by=NO_MODEL, nothing=["medium"]
    )
    web_search_options: Anything = parameter("Models do not search the web.", honoured_by=NO_MODEL)
    functions: Anything = parameter("Older than tools, and not taken.", honoured_by=NO_MODEL, nothing=[[]])
    function_call: Anything = parameter(
        "Older than tool_choice, and not taken.", honoured_by=NO_MODEL, nothing=["auto", "none"]
    )
