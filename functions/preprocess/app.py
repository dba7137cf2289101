"""Preprocess: a client's request → an invocation, or the finished response where there is nothing to invoke."""

from __future__ import annotations

import time
from typing import Any

import pydantic_core  # noqa: F401 - loaded while Lambda starts the function, not while the first request waits

from tollgate_layer.inference import dialects
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.hooks import hook_of_shadow, hooks_of, with_after
from tollgate_layer.inference.pipeline.before_model import prepare, read
from tollgate_layer.inference.record import Hooks
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.request_log import RequestLog, function_logger
from tollgate_layer.inference.state_data import fits_into_a_state

logger = function_logger()


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One request. A client's mistake is data: it becomes a response, and the machine ends there.

    Event: {request, record, failure}. `request` is {dialect, request_id, key_id, body, given?, before?, fallback?,
    shadow?}, `record` the text of the model's record, null where there is none, `failure` {state, error} where it could
    not be read, else null. Of the request, `before` is {answer} or {failure} of the record's hook, `fallback` {variant,
    from, error} where another variant has failed, and `shadow` {variant, bucket, first} where it is only compared with
    a client's.

    Result: {invocation: {model_id or endpoint, body}, spec}, or {response}; or {before: {function, timeout_s, event}},
    where a hook is to be asked first, and the request then comes a second time.
    """
    received = event["request"]
    given = received.get("given", {})
    incoming = IncomingRequest(received["dialect"], received["request_id"], received["body"], given)
    hooks = hooks_of(event["record"], received["key_id"])
    if "shadow" in received and "before" in received:
        hooks = hook_of_shadow(event["record"])
    if hooks.before is not None and "before" not in received:
        from tollgate_layer.inference.hooks.before import before_call  # only records with hooks need it

        return {"before": before_call(hooks.before, incoming, received["key_id"]).to_json()}
    log = RequestLog(logger, request_id=incoming.id, key_id=received["key_id"], dialect=incoming.dialect)
    try:
        result = _prepared(event, incoming, hooks, log)
        if not fits_into_a_state(result):
            raise ApiError("request_too_large")
    except ApiError as error:
        log.failed(error)
        return {"response": dialects.find(incoming.dialect).write_error(error, incoming.id)._asdict()}
    else:
        return result
    finally:
        log.write()


def _prepared(event: dict[str, Any], incoming: IncomingRequest, hooks: Hooks, log: RequestLog) -> dict[str, Any]:
    """The invocation and its spec, or the response of a hook. Raises ApiError: there is none."""
    received = event["request"]
    hook_state = None
    if hooks.before is None:
        request = read(incoming)
    else:
        from tollgate_layer.inference.hooks.before import read_after_hook
        from tollgate_layer.inference.hooks.contract import HookReport

        outcome = read_after_hook(hooks.before, incoming, HookReport.from_json(received["before"]), log)
        if outcome.response is not None:
            return {"response": outcome.response._asdict()}
        assert outcome.request is not None
        request, hook_state = outcome.request, outcome.state
    log.note(model=request.model)
    failure = event["failure"]
    if failure is not None:  # told only now: without a readable request there was no record to read
        raise from_upstream(failure["error"], state=failure["state"])
    fallback = received.get("fallback")
    if fallback is not None:
        request = request._replace(variant=fallback["variant"])
        log.fell_back(request.model, fallback["from"], from_upstream(fallback["error"], state="InvokeModel"))
    shadow = received.get("shadow")
    if shadow is not None:
        request = request._replace(variant=shadow["variant"])
    prepared = prepare(request, event["record"], time.time())
    spec = with_after(prepared.spec, hooks, hook_state)
    log.asked(spec)
    log.note(unknown_record_fields=prepared.unknown_record_fields or None)
    return {"invocation": prepared.invocation.to_json(), "spec": spec.to_json()}
