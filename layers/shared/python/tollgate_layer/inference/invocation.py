"""From a client's request to an invocation: which variant, which body, and what its answer must look like."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tollgate_layer.inference.body_formats import choose_format
from tollgate_layer.inference.conversation import Prompt, messages_of, rendered, served
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.length import fit, texts_of
from tollgate_layer.inference.parameters import asks_max_tokens, parameters_of, stop_sequences, with_stop
from tollgate_layer.inference.record import MODEL_NAME, ModelRecord, Variant, parse_record
from tollgate_layer.inference.request import Route, parse_request
from tollgate_layer.inference.spec import CompletionSpec

JsonObject = dict[str, Any]


class Invocation(NamedTuple):
    """One call of the model."""

    model_id: str
    body: JsonObject


class Request(NamedTuple):
    """A client's request as it reaches Tollgate; `body` is its text, unread."""

    route: Route
    request_id: str
    body: str


class Prepared(NamedTuple):
    """An invocation, and what its answer must look like."""

    invocation: Invocation
    spec: CompletionSpec


def model_name(document: JsonObject) -> str:
    """The name of the model that a request asks for.

    Raises:
        RequestError: `model_not_found` when no model can have this name.
    """
    name: str = document["model"]
    if not re.match(MODEL_NAME, name):
        raise unknown_model(name)
    return name


def unknown_model(name: str) -> RequestError:
    """The answer for a model that does not exist."""
    return RequestError("model_not_found", f"The model {name[:80]!r} does not exist.", param="model")


def prepare(request: Request, document: JsonObject, record_text: str | None, now: float) -> Prepared:
    """The invocation for a checked request; `now` is in seconds since the epoch.

    Raises:
        RequestError: the request does not fit the model.
        ApiError: the model's record is at fault.
    """
    if record_text is None:
        raise unknown_model(document["model"])
    record = parse_record(record_text)
    variant = record.choose_variant(document.get("user") or request.request_id)
    parameters = parameters_of(document, record)
    is_chat = request.route == "chat.completions"
    prompt = (
        _chat_prompt(document, parameters, record, variant, now) if is_chat else Prompt(document["prompt"], parameters)
    )
    body_format = choose_format(variant.body_format, renders_prompt=isinstance(prompt.value, str))
    prompt = fit(prompt, variant, asked=asks_max_tokens(document))
    stop = [*stop_sequences(document), *prompt.stop]
    body = body_format.build(prompt.value, with_stop(prompt.parameters, stop, body_format))
    spec = CompletionSpec(
        id=("chatcmpl-" if is_chat else "cmpl-") + request.request_id,
        object="chat.completion" if is_chat else "text_completion",
        created=int(now),
        model=record.model,
        variant=variant.name,
        body_format=body_format.name,
        stop=stop,
        parser=prompt.parser,
        stream=document.get("stream", False),
        include_usage=document.get("stream_options", {}).get("include_usage", False),
        prompt_length=sum(map(len, texts_of(prompt.value))),
    )
    return Prepared(Invocation(variant.model_id, body), spec)


def read_request(request: Request) -> JsonObject:
    """The request's body, checked."""
    return parse_request(request.body, request.route)


def _chat_prompt(
    document: JsonObject, parameters: JsonObject, record: ModelRecord, variant: Variant, now: float
) -> Prompt:
    messages = messages_of(document, record)
    if variant.chat_template is not None:
        at = datetime.fromtimestamp(now, UTC)
        return rendered(messages, parameters, variant, template=variant.chat_template, now=at)
    if variant.body_format == "openai":
        return served(messages, parameters, variant)
    reason = "this model takes prompts: use /v1/completions"
    raise RequestError("unsupported_parameter", f"messages: {reason}.", param="messages")
