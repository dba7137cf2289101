"""The hook before the model: it may rewrite the request, answer it, or refuse it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tollgate_layer.inference import dialects
from tollgate_layer.inference.dialects.aws import model_of
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.hooks.contract import (
    HookCall,
    HookFailedError,
    HookReport,
    checked_answer,
    common_event,
    hook_failed,
    response_of,
)
from tollgate_layer.inference.json_text import JsonObject, parse_json, to_json
from tollgate_layer.inference.pipeline.before_model import read
from tollgate_layer.inference.record import Hook
from tollgate_layer.inference.request import IncomingRequest, Request
from tollgate_layer.inference.request_log import RequestLog
from tollgate_layer.inference.response import Response


def before_call(hook: Hook, incoming: IncomingRequest, key_id: str | None) -> HookCall:
    """The call that is to be made before the request is read."""
    event = common_event("before", incoming, key_id, named_model(incoming).partition("@")[0])
    return HookCall(hook.function, hook.timeout_s, event)


class BeforeOutcome(NamedTuple):
    """What came of a hook's call: exactly one of `request` and `response`, and the state for the hook after."""

    request: Request | None
    response: Response | None
    state: Any


def read_after_hook(hook: Hook, incoming: IncomingRequest, report: HookReport, log: RequestLog) -> BeforeOutcome:
    """The request as the hook wants it, or the response that it has made.

    Raises:
        RequestError: the hook refuses the request, or it is no request to a model.
        ApiError: the hook failed, and nothing may go on without it.
    """
    try:
        answer = checked_answer("before", report)
    except HookFailedError as failure:
        log.hook_failed("before", failure.name, skipped=hook.on_failure == "skip")
        if hook.on_failure == "fail":
            raise hook_failed(failure) from None
        return BeforeOutcome(read(incoming), None, None)
    if "response" in answer:
        response = response_of(answer["response"])
        log.answered_by_hook(named_model(incoming).partition("@")[0], response.status)
        return BeforeOutcome(None, response, None)
    state = answer.get("state")
    if "request" in answer:
        return BeforeOutcome(_request_of(answer["request"], incoming), None, state)
    return BeforeOutcome(read(incoming), None, state)


def named_model(incoming: IncomingRequest) -> str:
    """The model that a request names, as `model` or `model@variant`, in whatever body; "" where it names none."""
    if incoming.given:
        return model_of(incoming)
    model = _object_in(incoming.body).get("model")
    return model if isinstance(model, str) else ""


def _object_in(body: str) -> JsonObject:
    """The JSON object that a body is, empty where it is something else."""
    try:
        document = parse_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _request_of(document: JsonObject, incoming: IncomingRequest) -> Request:
    """The request that a hook has made of a client's, checked as any client's, and to be answered in the same dialect.

    The hook cannot choose another model. The shape of the answer is what the client's own body asks for; where that is
    in no shape that we know, what the hook's request does.

    Raises:
        RequestError: it is none.
    """
    is_text = "prompt" in document and "messages" not in document
    rewritten = IncomingRequest(
        "completions" if is_text else "chat.completions",
        incoming.id,
        to_json({**document, "model": named_model(incoming)}),
    )
    request = read(rewritten)
    try:
        own = read(incoming)
    except RequestError:
        return _answered_as_made(request, incoming, "completion" if is_text else "chat")
    return request._replace(
        dialect=own.dialect,
        user=own.user or request.user,
        stream=own.stream,
        include_usage=own.include_usage,
        kept=own.kept,
    )


def _answered_as_made(request: Request, incoming: IncomingRequest, shape: str) -> Request:
    """A hook's request for a client whose own body only the hook can read."""
    dialect = dialects.find(incoming.dialect)
    kept: JsonObject = {"shape": shape}
    for name in ("accept", "custom_attributes"):
        if incoming.given.get(name):
            kept[name] = incoming.given[name]
    stream = dialect.streams
    if stream is None:
        own = _object_in(incoming.body).get("stream")
        stream = own if isinstance(own, bool) else request.stream
    return request._replace(dialect=incoming.dialect, stream=stream, kept=kept)
