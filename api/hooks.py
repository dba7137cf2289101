"""The contract of hooks, version 1: what the team's own functions are sent, and what they may answer.

docs/hooks-v1.schema.json is written from these models, and so are the validators of the answers. Version 1 only grows:
a hook must ignore fields of its event that it does not know. docs/hooks.md tells the contract in words.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.requests.shape import Shape
from tollgate_layer.inference.hooks.contract import MOST_STATE_BYTES


class HookResponse(Shape):
    """A finished response: it goes to the client as it is."""

    status: Annotated[int, Field(ge=200, le=599)] = Field(200, description="The HTTP status.")
    content_type: Annotated[str, Field(max_length=200, pattern=r"^[ -~]+$")] = Field(
        "application/json", description="The type of the body."
    )
    body: str = Field(description="The body, as text.")
    custom_attributes: Annotated[str, Field(max_length=1024, pattern=r"^[ -~]*$")] = Field(
        "", description="The header X-Amzn-SageMaker-Custom-Attributes, for clients of SageMaker's runtime."
    )


class HookRefusal(Shape):
    """A refusal: the client's mistake, told in the words of the client's dialect."""

    code: Literal[
        "refused_by_hook",
        "invalid_parameter",
        "unsupported_parameter",
        "invalid_json",
        "context_length_exceeded",
        "request_too_large",
    ] = Field("refused_by_hook", description="One of Tollgate's codes for mistakes of clients.")
    message: Annotated[str, Field(min_length=1, max_length=2000)] = Field(description="A sentence for the client.")
    param: Annotated[str, Field(max_length=200)] | None = Field(None, description="The field at fault.")


class BeforeAnswer(Shape):
    """What `before` may answer: one of `request`, `response` and `error`, or none, where it has nothing to change."""

    request: dict[str, Any] | None = Field(
        None, description="The body of a chat or text completion, in OpenAI's shape."
    )
    response: HookResponse | None = Field(None, description="The model is not asked.")
    error: HookRefusal | None = Field(None, description="The request is refused.")
    state: Any = Field(None, description=f"Any JSON of up to {MOST_STATE_BYTES} bytes, handed to `after`.")


class HookFunctionCall(Shape):
    """A call's function."""

    name: str | None = Field(description="The function's name.")
    arguments: str = Field(description="Its arguments, as JSON text.")


class HookToolCall(Shape):
    """A call of a tool."""

    id: str | None = Field(None, description="The call's id.")
    type: Literal["function"] = Field("function", description="The kind of tool.")
    function: HookFunctionCall = Field(description="What is called.")


class HookMessage(Shape):
    """The message of a choice."""

    role: Literal["assistant"] = Field("assistant", description="Whose message it is.")
    content: str | None = Field(None, description="The text.")
    refusal: str | None = Field(None, description="The text of a refusal by the model.")
    reasoning_content: str | None = Field(None, description="The model's thoughts.")
    tool_calls: list[HookToolCall] | None = Field(None, description="The calls, in order.")


class HookChoice(Shape):
    """One of the completion's choices."""

    index: Annotated[int, Field(ge=0)] = Field(0, description="Its number.")
    message: HookMessage = Field(description="What the model said.")
    logprobs: Any = Field(None, description="Log-probabilities; dropped where the completion is changed.")
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] = Field(
        "stop", description="Why it ended."
    )


class HookCompletion(Shape):
    """A chat completion in OpenAI's shape; all but its choices is for information, and not read back."""

    id: str = Field("", description="The completion's id.")
    object: str = Field("chat.completion", description="Always chat.completion.")
    created: int = Field(0, description="When it was made, in seconds since the epoch.")
    model: str = Field("", description="The model's name.")
    system_fingerprint: str = Field("", description="model@variant.")
    usage: Any = Field(None, description="Token counts; null where the model gave none.")
    choices: Annotated[list[HookChoice], Field(min_length=1)] = Field(description="The alternatives.")


class AfterAnswer(Shape):
    """What `after` may answer: one of `completion`, `response` and `error`, or none, where it has nothing to change."""

    completion: HookCompletion | None = Field(None, description="Takes the place of the model's completion.")
    response: HookResponse | None = Field(None, description="Takes the place of the client's whole response.")
    error: HookRefusal | None = Field(None, description="The client gets no completion.")


class _Event(BaseModel):
    """An event may hold more than what is known here."""

    model_config = ConfigDict(strict=True, extra="allow")

    version: Literal[1] = Field(description="The contract's version.")
    request_id: str = Field(description="The request's id, as in the logs and in x-request-id.")
    key_id: str | None = Field(description="The id of the client's API key; never the key.")
    model: str = Field(description="The model's name.")
    dialect: str = Field(description="The wire shape that the client speaks, as routes name it.")
    content_type: str = Field(description="The type of the client's body.")
    accept: str = Field(description="The type that the client accepts, where it says so, else empty.")
    custom_attributes: str = Field(description="SageMaker's custom attributes, where the client sends any, else empty.")
    body: str = Field(description="The client's body, as text.")
    deadline_ms: int = Field(description="In so many milliseconds the call is given up.")


class BeforeEvent(_Event):
    """What `before` is sent."""

    hook: Literal["before"] = Field(description="Which hook is called.")


class AfterEvent(_Event):
    """What `after` is sent."""

    hook: Literal["after"] = Field(description="Which hook is called.")
    variant: str = Field(description="The variant that answered.")
    stream: Literal["hold", "end"] | None = Field(
        description="For a streamed answer, how the record has it; else null."
    )
    completion: HookCompletion = Field(description="The model's completion.")
    state: Any = Field(description="What `before` answered as its state.")


CONTRACT: dict[str, type[BaseModel]] = {
    "before_event": BeforeEvent,
    "before_answer": BeforeAnswer,
    "after_event": AfterEvent,
    "after_answer": AfterAnswer,
}
"""The four shapes by their names in the published schema."""


def contract_schema() -> dict[str, Any]:
    """The contract as one JSON schema, with a definition for each shape.

    https://json-schema.org/draft/2020-12
    """
    definitions: dict[str, Any] = {}
    for name, model in CONTRACT.items():
        schema = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[name] = schema
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tollgate's hooks, version 1",
        "$defs": dict(sorted(definitions.items())),
    }
