"""What clients may send: OpenAI's request shapes, checked field by field.

The shapes only check. What goes on to the model is the client's own JSON, so that no message loses a field on the way.
https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal, NoReturn

from pydantic_core import CoreSchema, SchemaValidator, ValidationError

from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.shapes import (
    anything,
    flag,
    integer,
    json_object,
    list_of,
    location,
    number,
    only,
    shape,
    text,
    text_or,
    validator,
)

Route = Literal["chat.completions", "completions"]
JsonObject = dict[str, Any]


def _content_part() -> CoreSchema:
    image_url = shape({"url": text()}, detail=text())
    return shape({"type": only("text", "image_url", "refusal")}, text=text(), image_url=image_url, refusal=text())


def _message() -> CoreSchema:
    """Fields that clients send back from an answer are taken as they are."""
    call = shape({"name": text(min_length=1), "arguments": text()})
    return shape(
        {"role": only("system", "developer", "user", "assistant", "tool")},
        content=text_or(list_of(_content_part()), kind=list, message="should be a string or a list of parts"),
        name=text(),
        tool_calls=list_of(shape({"id": text(min_length=1), "function": call}, type=only("function"), index=integer())),
        tool_call_id=text(),
        reasoning_content=text(),
        refusal=text(),
        annotations=list_of(anything()),
        audio=only(None),
        function_call=only(None),
    )


def _tool() -> CoreSchema:
    function = shape(
        {"name": text(min_length=1, max_length=64)}, description=text(), parameters=json_object(), strict=flag()
    )
    return shape({"type": only("function"), "function": function})


def _tool_choice() -> CoreSchema:
    named = shape({"type": only("function"), "function": shape({"name": text()})})
    message = "should be none, auto, required or a named function"
    return text_or(named, kind=dict, message=message, words=only("none", "auto", "required"))


def _sampling() -> dict[str, CoreSchema]:
    """What both routes take; all of it may be left out."""
    return {
        "max_tokens": integer(ge=1, le=1_000_000),
        "temperature": number(ge=0, le=2),
        "top_p": number(gt=0, le=1),
        "n": integer(ge=1, le=128),
        "stop": text_or(
            list_of(text(min_length=1), max_length=16), kind=list, message="should be a string or a list of strings"
        ),
        "stream": flag(),
        # Obfuscation is OpenAI's padding against eavesdroppers, and has no effect here.
        "stream_options": shape(include_usage=flag(), include_obfuscation=flag()),
        "seed": integer(ge=-(2**63), lt=2**63),
        "frequency_penalty": number(ge=-2, le=2),
        "presence_penalty": number(ge=-2, le=2),
        "logit_bias": json_object(number()),
        "response_format": shape({"type": only("text", "json_object", "json_schema")}, json_schema=json_object()),
        "user": text(),
        # Beyond OpenAI's API, with the names that vLLM gives them.
        "top_k": integer(ge=-1),
        "min_p": number(ge=0, le=1),
        "repetition_penalty": number(gt=0),
        "structured_outputs": json_object(),
        # Labels that do not change an answer.
        "metadata": json_object(text()),
        "safety_identifier": text(),
        "prompt_cache_key": text(),
        "service_tier": only("auto", "default"),
        "store": only(False),
    }


def _chat_request() -> CoreSchema:
    """The body of POST /v1/chat/completions."""
    return shape(
        {"model": text()},
        **_sampling(),
        messages=list_of(_message(), min_length=1),
        variables=json_object(text()),
        max_completion_tokens=integer(ge=1, le=1_000_000),
        logprobs=flag(),
        top_logprobs=integer(ge=0, le=20),
        tools=list_of(_tool(), max_length=128),
        tool_choice=_tool_choice(),
        parallel_tool_calls=flag(),
        reasoning_effort=only("none", "minimal", "low", "medium", "high", "xhigh"),
        chat_template_kwargs=json_object(),
        documents=list_of(json_object()),
        add_generation_prompt=flag(),
        continue_final_message=flag(),
    )


def _completion_request() -> CoreSchema:
    """The body of POST /v1/completions."""
    return shape(
        {"model": text(), "prompt": text(min_length=1)},
        **_sampling(),
        logprobs=integer(ge=0, le=20),
        echo=only(False),
        best_of=only(1),
        suffix=only(None),
    )


@cache
def _validator(route: Route) -> SchemaValidator:
    return validator(_chat_request() if route == "chat.completions" else _completion_request())


def parse_request(body: str, route: Route) -> JsonObject:
    """The client's body as JSON, checked; parameters that are null are left out.

    Raises:
        RequestError: `invalid_json` or `invalid_parameter`.
    """
    document = _parse_object(body)
    try:
        _validator(route).validate_python(document)
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
    param = location(first["loc"])
    reason = "Unknown parameter." if first["type"] == "extra_forbidden" else first["msg"]
    raise RequestError("invalid_parameter", f"{param}: {reason}", param=param) from None


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
