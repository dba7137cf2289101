"""The messages of a conversation, and the tools that a model may call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.requests.shape import Anything, ListTag, Shape, Text, either

Name = Annotated[str, Field(min_length=1)]
CacheControl = dict[str, Any] | None
CACHE_CONTROL: Any = Field(None, description="Other services' mark to keep a prompt; accepted, and without effect.")


class ImageUrl(Shape):
    """An image, by its address."""

    url: str = Field(description="The image's address, or the image itself as a data URL.")
    detail: str | None = Field(None, description="How closely the model should look.")


class ContentPart(Shape):
    """A part of a message; the field that `type` names holds it."""

    type: Literal["text", "image_url", "refusal", "input_audio", "file"] = Field(
        description="What the part is. No model here takes input_audio and file."
    )
    text: str | None = Field(None, description="The text of a text part.")
    image_url: ImageUrl | None = Field(None, description="The image of an image part.")
    refusal: str | None = Field(None, description="The model's refusal, in a part that an answer had.")
    input_audio: Anything = Field(None, description="Not supported.")
    file: Anything = Field(None, description="Not supported.")
    cache_control: CacheControl = CACHE_CONTROL


class FunctionCall(Shape):
    """Which function the model called."""

    name: Name = Field(description="The function's name.")
    arguments: str = Field(description="The arguments, as the JSON text that the model wrote.")


class ToolCall(Shape):
    """A call of a tool that the model made in an earlier answer."""

    id: Name = Field(description="The call's id, to which the tool's message refers.")
    function: FunctionCall = Field(description="The function that was called.")
    type: Literal["function"] | None = Field(None, description="All tools are functions.")
    index: int | None = Field(None, description="The call's place, as streams number it; without effect.")


class Message(Shape):
    """One message of a conversation; fields of an earlier answer may come back as they were."""

    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(description="Who speaks.")
    content: (
        Annotated[
            Text | Annotated[list[ContentPart], ListTag],
            either("should be a string or a list of parts"),
        ]
        | None
    ) = Field(None, description="What is said: a text, or a list of parts. Only an assistant's message may have none.")
    name: str | None = Field(None, description="The speaker's name.")
    tool_calls: Annotated[list[ToolCall], Field(max_length=128)] | None = Field(
        None, description="The calls that an assistant's message made, up to 128."
    )
    tool_call_id: str | None = Field(None, description="The call that a tool's message answers.")
    reasoning_content: str | None = Field(None, description="The thoughts that an earlier answer came with.")
    reasoning: str | None = Field(None, description="The same under another name, as newer servers have it.")
    refusal: str | None = Field(None, description="The refusal that an earlier answer was.")
    cache_control: CacheControl = CACHE_CONTROL
    annotations: list[Any] | None = Field(None, description="Accepted from earlier answers.")
    audio: Literal[None] = Field(None, description="There is no audio.")
    function_call: Literal[None] = Field(None, description="Older than tool_calls, and not taken.")


class Function(Shape):
    """A function that the model may call."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="The function's name.")
    description: str | None = Field(None, description="What it does, for the model to read.")
    parameters: dict[str, Any] | None = Field(None, description="Its parameters, as a JSON schema.")
    strict: bool | None = Field(None, description="Whether calls must follow the schema exactly.")


class Tool(Shape):
    """A tool that the model may call."""

    type: Literal["function"] = Field(description="All tools are functions.")
    function: Function = Field(description="The function.")
    cache_control: CacheControl = CACHE_CONTROL


class FunctionName(Shape):
    """A function, by its name."""

    name: str = Field(description="The function's name.")


class NamedTool(Shape):
    """The one tool that the model must call."""

    type: Literal["function"] = Field(description="All tools are functions.")
    function: FunctionName = Field(description="The function.")
