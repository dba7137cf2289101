"""Steps before the model: request → conversation → invocation. Preprocess takes them, as does the Stream function."""

from __future__ import annotations

import re
from typing import NamedTuple

from tollgate_layer.inference import dialects
from tollgate_layer.inference.backends.bedrock import choose_format
from tollgate_layer.inference.chat_template import rendered_conversation
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.conversation import (
    Conversation,
    defuser_of,
    harmless_parameters,
    invalid_parameter,
    messages_of,
    served_conversation,
)
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject, sound
from tollgate_layer.inference.length import fit
from tollgate_layer.inference.parameters import settle
from tollgate_layer.inference.record import MODEL_NAME, ModelRecord, Variant, parse_record
from tollgate_layer.inference.request import IncomingRequest, Prompts, Request
from tollgate_layer.inference.template_check import check_template


class Invocation(NamedTuple):
    """What runs a model once: its ARN, and the body that it takes.

    `endpoint` is there instead of the ARN where the model runs on a SageMaker endpoint: {EndpointName}, and
    {InferenceComponentName, TargetVariant} where the record names them, as InvokeEndpoint takes them.
    """

    model_id: str
    body: JsonObject
    endpoint: JsonObject | None = None

    def to_json(self) -> JsonObject:
        """The invocation as it travels through the execution."""
        if self.endpoint is not None:
            return {"endpoint": self.endpoint, "body": self.body}
        return {"model_id": self.model_id, "body": self.body}


class Prepared(NamedTuple):
    """An invocation, and what the completion of its answer must look like."""

    invocation: Invocation
    spec: CompletionSpec
    unknown_record_fields: int
    """Fields of the model's record that this version of Tollgate does not know, and has ignored."""


def read(incoming: IncomingRequest) -> Request:
    """The request in a body, checked: the dialect knows its shape.

    Raises:
        RequestError: the body is not a request of its dialect, or no model can have the name that it asks for.
    """
    request = dialects.find(incoming.dialect).read(incoming)
    model, at, variant = request.model.partition("@")
    # Before anything looks for it: such a name is no key of the model table, and is told as any other unknown one.
    if not re.match(MODEL_NAME, model):
        raise unknown_model(request.model)
    return request._replace(model=model, variant=variant) if at else request


def prepare(request: Request, record_text: str | None, now: float) -> Prepared:
    """The invocation for a request: which variant of the model, and which body.

    `record_text` is the model's record as its table holds it, None where there is none; `now` is in seconds since the
    epoch.

    Raises:
        RequestError: the request does not fit the model.
        ApiError: the model's record is at fault.

    Example:
        request = read(IncomingRequest("chat.completions", "r-1", '{"model": "m", "messages": […]}'))
        invocation, spec, _ = prepare(request, '{"model": "m", "variants": […]}', time.time())
    """
    if record_text is None:
        raise unknown_model(request.model)
    record = parse_record(record_text)
    variant = _variant_of(record, request)
    try:
        return _prepare_for(variant, request, record, now)
    except ApiError as error:
        error.variant = variant.name
        raise


def _variant_of(record: ModelRecord, request: Request) -> Variant:
    """The variant that the request names, whatever its weight, or else one by weight."""
    if request.variant is None:
        # By user where the client names one: a conversation should not change its model from turn to turn.
        return record.choose_variant(request.user or request.id)
    for variant in record.variants:
        if variant.name == request.variant:
            return variant
    raise unknown_model(f"{request.model}@{request.variant}")


def _prepare_for(variant: Variant, request: Request, record: ModelRecord, now: float) -> Prepared:
    request, parameters = settle(request, record)
    conversation = converse(request, parameters, record, variant, now)
    conversation = fit(request, conversation, variant)

    prompt = conversation.prompt
    if isinstance(prompt, str):  # a record's chat template may write anything, also half a surrogate pair
        prompt = sound(prompt)
    body_format = choose_format(variant.body_format, takes_messages=isinstance(prompt, list))
    if isinstance(prompt, Prompts):
        if body_format.name != "openai_completion":
            raise RequestError("unsupported_parameter", "prompt: this model takes one text.", param="prompt")
        body = body_format.build(prompt.value, conversation.parameters, conversation.stop)
    else:
        body = body_format.build(prompt, conversation.parameters, conversation.stop)
    # An answer that begins with its prompt is cut by the model alone: the prompt may hold a stop sequence.
    stop = [] if conversation.parameters.get("echo") else list(conversation.stop)
    spec = CompletionSpec(
        dialect=request.dialect,
        id=dialects.find(request.dialect).id_prefix + request.id,
        created=int(now),
        model=record.model,
        variant=variant.name,
        body_format=body_format.name,
        stop=stop,
        parser=conversation.parser,
        stream=request.stream,
        include_usage=request.include_usage,
        prompt_length=conversation.length,
        choices=request.choices,
        top_logprobs=request.parameters.get("top_logprobs", 0),
        parallel_calls=request.parameters.get("parallel_tool_calls", True),
        ignored=list(request.ignored) or None,
        kept=request.kept,
        container=record.container,
        # Who names a variant wants that one. So a fallback, which is named too, has none of its own.
        fallback=variant.fallback if request.variant is None else None,
        shadow=None if record.shadow is None else shadow_of(record, variant.name, request),
    )
    return Prepared(Invocation(variant.model_id, body, _endpoint_of(variant)), spec, record.unknown_fields)


def shadow_of(record: ModelRecord, variant: str, request: Request) -> JsonObject | None:
    """What `shadow.shadow_of` says, which few records need."""
    from tollgate_layer.inference import shadow

    return shadow.shadow_of(record, variant, request)


def _endpoint_of(variant: Variant) -> JsonObject | None:
    """The endpoint of a variant on SageMaker, in the words of InvokeEndpoint."""
    if variant.backend != "sagemaker":
        return None
    endpoint: JsonObject = {"EndpointName": variant.endpoint_name}
    if variant.inference_component:
        endpoint["InferenceComponentName"] = variant.inference_component
    if variant.target_variant:
        endpoint["TargetVariant"] = variant.target_variant
    return endpoint


def converse(
    request: Request, parameters: JsonObject, record: ModelRecord, variant: Variant, now: float
) -> Conversation:
    """What the model reads for a request, of whose `parameters` it is settled what they ask.

    Three ways lead there: a prompt goes as it is; messages are rendered where the record has the model's chat
    template, and otherwise left to a server that has it itself.

    Raises:
        RequestError: the request does not fit the model.
        ApiError: the record's chat template is at fault.
    """
    if request.prompt is not None:
        # Such a model's clients say what its prompt asks for, and no more: a prompt of their own could say anything.
        if record.prompt is not None:
            raise invalid_parameter("prompt", "this model has a prompt of its own: it takes variables for that one")
        return Conversation(request.prompt, parameters, request.stop)
    if variant.chat_template is not None:
        # First: a template that is none is the record's fault, and is not to be met while texts are made harmless.
        check_template(variant)
    defuser = defuser_of(variant)
    messages = messages_of(request, record, defuser)
    parameters = harmless_parameters(parameters, defuser)
    if variant.chat_template is not None:
        return rendered_conversation(messages, parameters, request.stop, variant, now)
    if variant.body_format == "openai":
        return served_conversation(messages, parameters, request.stop, variant)
    reason = "this model takes a prompt, not messages"
    raise RequestError("unsupported_parameter", f"messages: {reason}.", param="messages")


def unknown_model(name: str) -> RequestError:
    """The error that says that there is no model of this name."""
    return RequestError("model_not_found", f"The model {name[:80]!r} does not exist.", param="model")
