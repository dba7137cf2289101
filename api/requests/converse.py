"""The body of POST /model/{model}/converse and …/converse-stream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.requests.messages import Name
from api.requests.shape import Anything, Shape


class ImageSource(Shape):
    """Where an image is."""

    bytes: str | None = Field(None, description="The image itself, in base64.")
    s3Location: Anything = Field(None, description="Not supported.")  # noqa: N815 -- the wire's name


class Image(Shape):
    """An image."""

    format: Literal["png", "jpeg", "gif", "webp"] = Field(description="The image's format.")
    source: ImageSource = Field(description="Where it is.")


class ToolUse(Shape):
    """A call that the model made in an earlier answer."""

    toolUseId: Name = Field(description="The call's id.")  # noqa: N815
    name: Name = Field(description="The tool's name.")
    input: dict[str, Any] = Field(description="The arguments.")


class ToolResultContent(Shape):
    """A part of what a tool gave."""

    text: str | None = Field(None, description="A text.")
    json_: Any = Field(None, alias="json", description="A JSON document.")


class ToolResult(Shape):
    """What a tool gave."""

    toolUseId: Name = Field(description="The call that it answers.")  # noqa: N815
    content: list[ToolResultContent] = Field(description="What it gave.")
    status: Literal["success", "error"] | None = Field(None, description="Whether it worked; without effect.")


class ReasoningText(Shape):
    """Thoughts of an earlier answer."""

    text: str = Field(description="The thoughts.")
    signature: str | None = Field(None, description="Without effect.")


class ReasoningContent(Shape):
    """Thoughts of an earlier answer."""

    reasoningText: ReasoningText | None = Field(None, description="As text.")  # noqa: N815
    redactedContent: Anything = Field(None, description="Left out: nobody here can read it.")  # noqa: N815


class ContentBlock(Shape):
    """A piece of a message: exactly one of its fields."""

    text: str | None = Field(None, description="A text.")
    image: Image | None = Field(None, description="An image.")
    toolUse: ToolUse | None = Field(None, description="A call.")  # noqa: N815
    toolResult: ToolResult | None = Field(None, description="The answer to a call.")  # noqa: N815
    reasoningContent: ReasoningContent | None = Field(None, description="Thoughts.")  # noqa: N815
    cachePoint: Anything = Field(None, description="Without effect.")  # noqa: N815
    document: Anything = Field(None, description="Not supported.")
    video: Anything = Field(None, description="Not supported.")
    guardContent: Anything = Field(None, description="Not supported.")  # noqa: N815


class ConverseMessage(Shape):
    """One message."""

    role: Literal["user", "assistant"] = Field(description="Who speaks.")
    content: list[ContentBlock] = Field(description="What is said.")


class InferenceConfig(Shape):
    """How the model answers."""

    maxTokens: Annotated[int, Field(ge=1)] | None = Field(None, description="The most tokens.")  # noqa: N815
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(None, description="The temperature.")
    topP: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="Nucleus sampling.")  # noqa: N815
    stopSequences: list[str] | None = Field(None, description="Texts at which the answer ends.")  # noqa: N815


class InputSchema(Shape):
    """A tool's parameters."""

    json_: dict[str, Any] | None = Field(None, alias="json", description="As a JSON schema.")


class ToolSpec(Shape):
    """A tool."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="Its name.")
    description: str | None = Field(None, description="What it does.")
    inputSchema: InputSchema = Field(description="Its parameters.")  # noqa: N815
    strict: bool | None = Field(None, description="Whether calls must follow the schema exactly.")


class ConverseTool(Shape):
    """A tool."""

    toolSpec: ToolSpec | None = Field(None, description="A tool of the client's.")  # noqa: N815
    cachePoint: Anything = Field(None, description="Without effect.")  # noqa: N815
    systemTool: Anything = Field(None, description="Not supported.")  # noqa: N815


class ConverseToolName(Shape):
    """A tool, by its name."""

    name: str = Field(description="Its name.")


class ConverseToolChoice(Shape):
    """Whether the model may call tools: exactly one of its fields."""

    auto: dict[str, Any] | None = Field(None, description="It may.")
    any: dict[str, Any] | None = Field(None, description="It must.")
    tool: ConverseToolName | None = Field(None, description="It must call this one.")


class ToolConfig(Shape):
    """The tools that the model may call."""

    tools: Annotated[list[ConverseTool], Field(max_length=128)] = Field(description="The tools.")
    toolChoice: ConverseToolChoice | None = Field(None, description="Whether it may.")  # noqa: N815


class ConverseRequest(Shape):
    """An answer to a conversation; unknown fields are refused."""

    messages: Annotated[list[ConverseMessage], Field(min_length=1, max_length=2048)] = Field(
        description="The conversation, of up to 2048 messages."
    )
    system: list[ContentBlock] | None = Field(None, description="The system texts.")
    inferenceConfig: InferenceConfig | None = Field(None, description="How the model answers.")  # noqa: N815
    toolConfig: ToolConfig | None = Field(None, description="The tools.")  # noqa: N815
    additionalModelRequestFields: dict[str, Any] | None = Field(  # noqa: N815
        None, description="Further parameters, by the names that POST /v1/chat/completions has for them."
    )
    additionalModelResponseFieldPaths: Anything = Field(None, description="Without effect.")  # noqa: N815
    requestMetadata: dict[str, str] | None = Field(None, description="Labels of yours; without effect.")  # noqa: N815
    performanceConfig: Anything = Field(None, description="Without effect.")  # noqa: N815
    serviceTier: Anything = Field(None, description="Without effect.")  # noqa: N815
    guardrailConfig: Anything = Field(None, description="Not supported.")  # noqa: N815
    promptVariables: Anything = Field(None, description="Not supported.")  # noqa: N815
    outputConfig: Anything = Field(None, description="Not supported.")  # noqa: N815
