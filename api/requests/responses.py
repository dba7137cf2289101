"""The body of POST /v1/responses.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, Tag

from api.requests.messages import Name
from api.requests.shape import Anything, ListTag, ObjectTag, Shape, Text, either


class InputPart(Shape):
    """A part of a message; the field that `type` names holds it."""

    type: Literal[
        "input_text",
        "output_text",
        "text",
        "refusal",
        "reasoning_text",
        "summary_text",
        "input_image",
        "input_file",
        "input_audio",
    ] = Field(description="What the part is. No model here takes input_file and input_audio.")
    text: str | None = Field(None, description="The text of a text part.")
    refusal: str | None = Field(None, description="The model's refusal, in a part that an answer had.")
    image_url: str | None = Field(None, description="The image's address, or the image itself as a data URL.")
    detail: str | None = Field(None, description="How closely the model should look.")
    annotations: list[Any] | None = Field(None, description="Accepted from earlier answers.")
    logprobs: list[Any] | None = Field(None, description="Accepted from earlier answers.")
    file_id: Anything = Field(None, description="Not supported.")
    file_url: Anything = Field(None, description="Not supported.")
    file_data: Anything = Field(None, description="Not supported.")
    filename: Anything = Field(None, description="Not supported.")
    input_audio: Anything = Field(None, description="Not supported.")


class ReasoningPart(Shape):
    """A piece of an earlier answer's thoughts."""

    type: Literal["summary_text", "reasoning_text"] = Field(description="Which of the two it is.")
    text: str = Field(description="The thoughts.")


PartsOrText = (
    Annotated[Text | Annotated[list[InputPart], ListTag], either("should be a string or a list of parts")] | None
)


class InputItem(Shape):
    """One item of a conversation: what `type` says, a message where it says nothing.

    Items of an earlier answer's `output` may come back as they were.
    """

    type: Literal["message", "function_call", "function_call_output", "reasoning", "item_reference"] | None = Field(
        None, description="What the item is."
    )
    role: Literal["system", "developer", "user", "assistant"] | None = Field(None, description="Who speaks a message.")
    content: PartsOrText = Field(None, description="What is said, or thought: a text, or a list of parts.")
    call_id: Name | None = Field(None, description="The call, to which its output refers.")
    name: Name | None = Field(None, description="The name of the function that was called.")
    arguments: str | None = Field(None, description="The call's arguments, as the JSON text that the model wrote.")
    output: PartsOrText = Field(None, description="What the function gave: a text, or a list of parts.")
    summary: list[ReasoningPart] | None = Field(None, description="What the model thought, in short.")
    encrypted_content: str | None = Field(None, description="Thoughts that only another service can read; left out.")
    id: str | None = Field(None, description="The item's id in the answer that it comes from; without effect.")
    status: str | None = Field(None, description="Accepted from earlier answers.")
    phase: str | None = Field(None, description="Accepted from earlier answers.")
    namespace: str | None = Field(None, description="Accepted from earlier answers.")


class ResponseTool(Shape):
    """A tool that the model may call. What is no function is left out, and told in x-tollgate-ignored."""

    # OpenAI's hosted tools have fields of their own, and nobody here reads them.
    model_config = ConfigDict(strict=True, extra="ignore")

    type: Name = Field(description="`function`; every other tool is hosted by OpenAI.")
    name: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(None, description="The function's name.")
    description: str | None = Field(None, description="What it does, for the model to read.")
    parameters: dict[str, Any] | None = Field(None, description="Its parameters, as a JSON schema.")
    strict: bool | None = Field(None, description="Whether calls must follow the schema exactly.")


class ToolChoice(Shape):
    """The one tool that the model must call, or those that it may choose among."""

    type: Name = Field(description="`function`, or `allowed_tools`.")
    name: str | None = Field(None, description="The function's name.")
    mode: Literal["auto", "required"] | None = Field(
        None, description="Whether one of the allowed tools must be called."
    )
    tools: list[dict[str, Any]] | None = Field(None, description="The allowed tools, as {type, name}.")


class TextFormat(Shape):
    """The form that the answer must have."""

    type: Literal["text", "json_object", "json_schema"] = Field(description="Free text, any JSON, or JSON of a schema.")
    name: str | None = Field(None, description="The schema's name.")
    description: str | None = Field(None, description="What the schema is for.")
    schema_: dict[str, Any] | None = Field(None, alias="schema", description="The schema, for json_schema.")
    strict: bool | None = Field(None, description="Whether the answer must follow the schema exactly.")


class TextOptions(Shape):
    """How the answer's text is to be."""

    format: TextFormat | None = Field(None, description="The form that it must have.")
    verbosity: Literal["low", "medium", "high"] | None = Field(None, description="No model here has it.")


class ReasoningOptions(Shape):
    """How the model thinks."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = Field(None, description="How long.")
    summary: str | None = Field(None, description="Without effect: answers have the thoughts themselves.")
    generate_summary: str | None = Field(None, description="The older name of summary; without effect.")
    context: str | None = Field(None, description="Without effect.")


class ResponseStreamOptions(Shape):
    """How a stream looks."""

    include_obfuscation: bool | None = Field(
        None, description="OpenAI's padding against eavesdroppers; accepted, and without effect."
    )
    include_usage: bool | None = Field(None, description="Without effect: the last event always has it.")


class ResponseRequest(Shape):
    """A response to an input; unknown parameters are refused. Nothing is stored."""

    model: str = Field(description="The model's name, as GET /v1/models lists it.")
    input: Annotated[
        Annotated[Text, Field(min_length=1)]
        | Annotated[list[InputItem], Field(min_length=1, max_length=2048), ListTag],
        either("should be a string or a list of items"),
    ] = Field(description="What the model is to answer: a user's text, or a conversation of up to 2048 items.")
    instructions: str | None = Field(None, description="The system text of this answer.")
    max_output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="The most tokens that the model may answer with. The model's record has the default."
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="How random the choice of tokens is; 0 always takes the likeliest."
    )
    top_p: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Sample from the likeliest tokens whose probabilities add up to this, more than 0."
    )
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = Field(
        None, description="The log probabilities of so many likely tokens at each place."
    )
    text: TextOptions | None = Field(None, description="How the answer's text is to be.")
    reasoning: ReasoningOptions | None = Field(None, description="How the model thinks.")
    tools: Annotated[list[ResponseTool], Field(max_length=128)] | None = Field(
        None, description="The tools that the model may call."
    )
    tool_choice: (
        Annotated[
            Annotated[Literal["none", "auto", "required"], Tag("<text>")] | Annotated[ToolChoice, ObjectTag],
            either("should be none, auto, required or a tool as an object"),
        ]
        | None
    ) = Field(None, description="Whether the model may call tools: `none`, `auto`, `required`, or which ones.")
    parallel_tool_calls: bool | None = Field(None, description="Whether one answer may have several calls.")
    stream: bool | None = Field(None, description="Answer with server-sent events.")
    stream_options: ResponseStreamOptions | None = Field(None, description="How a stream looks.")
    user: str | None = Field(
        None, description="Your name for the end user. Requests of one user get the same variant of the model."
    )
    # Labels, and wishes that change no answer here.
    include: list[str] | None = Field(None, description="What else to answer with; log probabilities are all there is.")
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
        ]
        | None
    ) = Field(None, description="Up to 16 labels of yours, text by name; the answer has them, too.")
    store: bool | None = Field(None, description="Without effect: nothing is stored, and the answer says so.")
    prompt_cache_key: str | None = Field(None, description="A label of yours; without effect.")
    prompt_cache_retention: str | None = Field(None, description="A label of yours; without effect.")
    prompt_cache_options: dict[str, Any] | None = Field(None, description="Without effect.")
    safety_identifier: str | None = Field(None, description="A label of yours; without effect.")
    client_metadata: dict[str, Any] | None = Field(None, description="A label of yours; without effect.")
    service_tier: str | None = Field(None, description="There is one tier only: without effect.")
    max_tool_calls: int | None = Field(None, description="A limit for hosted tools, of which there are none.")
    # What needs a state that nobody keeps.
    truncation: Literal["auto", "disabled"] | None = Field(None, description="`auto` is not supported.")
    previous_response_id: Anything = Field(None, description="Not supported: send the whole conversation as input.")
    conversation: Anything = Field(None, description="Not supported: send the whole conversation as input.")
    background: bool | None = Field(None, description="true is not supported.")
    prompt: Anything = Field(None, description="Not supported: a stored prompt is the model's own, in its record.")
    moderation: Anything = Field(None, description="Not supported.")
    context_management: Anything = Field(None, description="Not supported.")
