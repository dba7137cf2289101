"""The hook after the model: it may change the completion, answer in its place, or refuse it."""

from __future__ import annotations

from typing import NamedTuple

from tollgate_layer.inference import dialects
from tollgate_layer.inference.answer_reader import Outcome
from tollgate_layer.inference.backends.body_format import CallPiece, Usage
from tollgate_layer.inference.completion import Completion, Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import openai_chat
from tollgate_layer.inference.hooks.contract import (
    HookCall,
    HookFailedError,
    HookReport,
    checked_answer,
    common_event,
    hook_failed,
    response_of,
)
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.pipeline.after_model import Completed, respond
from tollgate_layer.inference.record import AfterHook
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.request_log import RequestLog
from tollgate_layer.inference.response import Response


def after_call(
    spec: CompletionSpec, completion: Completion, incoming: IncomingRequest, key_id: str | None, stream: str | None
) -> HookCall:
    """The call that is to be made when the completion is there. `stream` is "hold" or "end" for a streamed one."""
    assert spec.after is not None
    event = {
        **common_event("after", incoming, key_id, spec.model),
        "variant": spec.variant,
        "stream": stream,
        "completion": openai_chat.document_of(spec, completion),
        "state": spec.hook_state,
    }
    hook = AfterHook(**spec.after)
    return HookCall(hook.function, hook.timeout_s, event)


class AfterOutcome(NamedTuple):
    """What came of a hook's call: the deltas of another completion, or a response, or nothing to change."""

    deltas: list[Delta] | None = None
    response: Response | None = None


def read_outcome(spec: CompletionSpec, report: HookReport, log: RequestLog, *, too_late: bool = False) -> AfterOutcome:
    """What the hook wants. With `too_late` the client has the completion already, so that only a refusal counts.

    Raises:
        RequestError: the hook refuses the completion.
        ApiError: the hook failed, and nothing may reach the client without it.
    """
    assert spec.after is not None
    hook = AfterHook(**spec.after)
    try:
        answer = checked_answer("after", report)
        if too_late and answer:
            raise HookFailedError("AnswerToEndedStream")
    except HookFailedError as failure:
        log.hook_failed("after", failure.name, skipped=hook.on_failure == "skip")
        if hook.on_failure == "fail":
            raise hook_failed(failure) from None
        return AfterOutcome()
    if "response" in answer:
        return AfterOutcome(response=response_of(answer["response"]))
    if "completion" in answer:
        return AfterOutcome(deltas=_deltas_of(answer["completion"]))
    return AfterOutcome()


def ask_first(spec: CompletionSpec, completed: Completed, event: JsonObject) -> JsonObject:
    """What Postprocess returns where a hook is to see the completion: the call, and what `finish` needs again.

    `event` is Postprocess's own.
    """
    assert completed.completion is not None
    incoming = IncomingRequest(event["dialect"], event["request_id"], "", event.get("given") or {})
    stream = "hold" if spec.stream else None  # all of its events are sent at once
    call = after_call(spec, completed.completion, incoming, event["key_id"], stream)
    kept = {"response": completed.response._asdict(), "outcome": completed.outcome._asdict()}
    kept["outcome"]["usage"] = completed.outcome.usage._asdict()
    return {"after": {"call": call.to_json(), "model_ms": event.get("model_ms"), **kept}}


def finish(spec: CompletionSpec, after: JsonObject, log: RequestLog) -> JsonObject:
    """The client's response, and {shadow} where there is one, now that the hook has answered or failed.

    `after` is what `ask_first` returned, and the hook's {answer} or {failure}.

    Raises:
        RequestError, ApiError: as `read_outcome`.
    """
    counts = {**after["outcome"], "usage": Usage(**after["outcome"]["usage"])}
    model_ms = after["model_ms"]
    log.completed(spec, Outcome(**counts), None if model_ms is None else model_ms / 1000)
    report = HookReport.from_json(after)
    response = response_after(spec, Response(**after["response"]), counts["usage"], report, log)._asdict()
    return {**response, "shadow": after["shadow"]} if "shadow" in after else response


def response_after(
    spec: CompletionSpec, written: Response, usage: Usage, report: HookReport, log: RequestLog
) -> Response:
    """The client's response, of which all is there before a byte is sent: as it was `written`, or as the hook wants it.

    Raises:
        RequestError, ApiError: as `read_outcome`.
    """
    outcome = read_outcome(spec, report, log)
    if outcome.response is not None:
        headers = {"custom_attributes": outcome.response.custom_attributes or written.custom_attributes}
        return outcome.response.with_headers({**dialects.completion_headers(spec), **headers})
    if outcome.deltas is not None:
        return respond(spec, outcome.deltas, usage)
    return written


def _deltas_of(document: JsonObject) -> list[Delta]:
    """The deltas of a completion that a hook has changed. Log-probabilities no longer belong to its texts."""
    deltas = []
    for choice in document["choices"]:
        number, message = choice["index"], choice["message"]
        if message["reasoning_content"]:
            deltas.append(Delta(number, reasoning=message["reasoning_content"]))
        if message["content"] or message["refusal"]:
            deltas.append(Delta(number, content=message["content"], refusal=message["refusal"]))
        pieces = []
        for position, call in enumerate(message["tool_calls"] or ()):
            function = call["function"]
            pieces.append(CallPiece(position, call["id"], function["name"], function["arguments"]))
        if pieces:
            deltas.append(Delta(number, calls=tuple(pieces)))
        deltas.append(Delta(number, finish_reason=choice["finish_reason"]))
    return deltas
