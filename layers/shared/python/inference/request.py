"""What clients may send: OpenAI's request shapes, checked field by field.

The models here only check. What goes on to the model is the client's own JSON, so that no message loses a
field on the way. https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from inference.errors import RequestError

Route = Literal["chat.completions", "completions"]
JsonObject = dict[str, Any]


class _Input(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _ImageUrl(_Input):
    url: str
    detail: str | None = None


class ContentPart(_Input):
    """One part of a message's content."""

    type: Literal["text", "image_url", "refusal"]
    text: str | None = None
    image_url: _ImageUrl | None = None
    refusal: str | None = None


class _FunctionCall(_Input):
    name: str = Field(min_length=1)
    arguments: str


class ToolCall(_Input):
    """A call that an earlier assistant message made."""

    id: str = Field(min_length=1)
    type: Literal["function"] = "function"
    function: _FunctionCall
    index: int | None = None


def _union_tag(value: Any) -> str:
    """Tags in angle brackets: `_path` leaves them out of what clients read."""
    if isinstance(value, list):
        return "<list>"
    return "<object>" if isinstance(value, dict) else "<string>"


_Text = Annotated[str, Tag("<string>")]
_Content = Annotated[
    _Text | Annotated[list[ContentPart], Tag("<list>")],
    Discriminator(_union_tag, "content_type", "should be a string or a list of parts"),
]


class Message(_Input):
    """One message; fields that clients send back from an answer are taken as they are."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: _Content | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: None = None
    function_call: None = None


class _ToolFunction(_Input):
    name: str = Field(min_length=1, max_length=64)
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class Tool(_Input):
    """A function that the model may call."""

    type: Literal["function"]
    function: _ToolFunction


class _NamedFunction(_Input):
    name: str


class _NamedTool(_Input):
    type: Literal["function"]
    function: _NamedFunction


class StreamOptions(_Input):
    """`stream_options`; obfuscation is OpenAI's padding against eavesdroppers and has no effect here."""

    include_usage: bool = False
    include_obfuscation: bool | None = None


class ResponseFormat(_Input):
    """`response_format`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonObject | None = None


_Stop = Annotated[
    _Text | Annotated[list[Annotated[str, Field(min_length=1)]], Tag("<list>"), Field(max_length=16)],
    Discriminator(_union_tag, "stop_type", "should be a string or a list of strings"),
]


class _Sampling(_Input):
    """What both routes take."""

    model: str
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    n: int | None = Field(default=None, ge=1, le=128)
    stop: _Stop | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: dict[str, float] | None = None
    response_format: ResponseFormat | None = None
    user: str | None = None
    # Beyond OpenAI's API, with the names that vLLM gives them.
    top_k: int | None = Field(default=None, ge=-1)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    structured_outputs: JsonObject | None = None
    # Labels that do not change an answer.
    metadata: dict[str, str] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: Literal[False] | None = None


class ChatRequest(_Sampling):
    """The body of POST /v1/chat/completions."""

    messages: list[Message] | None = Field(default=None, min_length=1)
    variables: dict[str, str] | None = None
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    tools: list[Tool] | None = Field(default=None, max_length=128)
    tool_choice: (
        Annotated[
            Annotated[Literal["none", "auto", "required"], Tag("<string>")] | Annotated[_NamedTool, Tag("<object>")],
            Discriminator(_union_tag, "tool_choice_type", "should be none, auto, required or a named function"),
        ]
        | None
    ) = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    chat_template_kwargs: JsonObject | None = None
    documents: list[JsonObject] | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None


class CompletionRequest(_Sampling):
    """The body of POST /v1/completions."""

    prompt: str = Field(min_length=1)
    logprobs: int | None = Field(default=None, ge=0, le=20)
    echo: Literal[False] | None = None
    best_of: Literal[1] | None = None
    suffix: None = None


_MODELS: dict[Route, type[_Sampling]] = {"chat.completions": ChatRequest, "completions": CompletionRequest}


def parse_request(body: str, route: Route) -> JsonObject:
    """The client's body as JSON, checked; parameters that are null are left out.

    Raises:
        RequestError: `invalid_json` or `invalid_parameter`.
    """
    document = _parse_object(body)
    try:
        _MODELS[route].model_validate(document)
    except ValidationError as error:
        _refuse(error)
    request = {name: value for name, value in document.items() if value is not None}
    _check_together(request, route)
    return request


def _parse_object(body: str) -> JsonObject:
    try:
        document = json.loads(body, parse_constant=_no_constant)
        if "\\ud" in body or "\\uD" in body:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RequestError("invalid_json", "The body has half of a surrogate pair in a string.") from None
    except RecursionError:
        raise RequestError("invalid_json", "The body is nested too deeply.") from None
    except ValueError as error:
        raise RequestError("invalid_json", f"The body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise RequestError("invalid_json", "The body must be a JSON object.")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(error: ValidationError) -> NoReturn:
    """The first error names its field: `messages[2].role: …`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = _path(first["loc"])
    reason = "Unknown parameter." if first["type"] == "extra_forbidden" else first["msg"]
    raise RequestError("invalid_parameter", f"{param}: {reason}", param=param) from None


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not (step.startswith("<") and step.endswith(">")):
            path += f".{step}" if path else step
    return path[:200]


def _check_together(request: JsonObject, route: Route) -> None:
    """What one field alone cannot say."""
    if route != "chat.completions":
        return
    if ("messages" in request) == ("variables" in request):
        reason = "send messages, or variables for a model with a prompt of its own"
        raise RequestError("invalid_parameter", f"messages: {reason}.", param="messages")
    if "top_logprobs" in request and not request.get("logprobs"):
        raise RequestError("invalid_parameter", "top_logprobs: needs logprobs: true.", param="top_logprobs")
    for index, message in enumerate(request.get("messages", ())):
        _check_message(message, f"messages[{index}]")


def _check_message(message: JsonObject, path: str) -> None:
    role = message["role"]
    if role == "tool" and not message.get("tool_call_id"):
        _invalid(f"{path}.tool_call_id", "a tool message names the call that it answers")
    if message.get("content") is None and not (role == "assistant" and message.get("tool_calls")):
        _invalid(f"{path}.content", "is missing")
    if message.get("tool_calls") and role != "assistant":
        _invalid(f"{path}.tool_calls", "only assistant messages have tool calls")
    if isinstance(message.get("content"), list):
        for index, part in enumerate(message["content"]):
            if part.get(part["type"]) is None:
                _invalid(f"{path}.content[{index}].{part['type']}", "is missing")


def _invalid(param: str, reason: str) -> NoReturn:
    raise RequestError("invalid_parameter", f"{param}: {reason}.", param=param)
