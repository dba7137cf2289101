"""Preprocess: a client's request → an invocation, or the finished response where there is nothing to invoke."""

from __future__ import annotations

import time
from typing import Any

import pydantic_core  # noqa: F401 - loaded while Lambda starts the function, not while the first request waits

from tollgate_layer.inference import dialects
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.pipeline.before_model import prepare, read
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.request_log import RequestLog, function_logger
from tollgate_layer.inference.state_data import fits_into_a_state

logger = function_logger()


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One request. A client's mistake is data: it becomes a response, and the machine ends there.

    Event: {request: {dialect, request_id, key_id, body, given?, fallback?}, record, failure}; `record` is the text of
    the model's record, null where there is none, `failure` is {state, error} where it could not be read, else null, and
    `fallback` {variant, from, error} where another variant has failed.

    Result: {invocation: {model_id or endpoint, body}, spec}, or {response}.
    """
    received = event["request"]
    given = received.get("given", {})
    incoming = IncomingRequest(received["dialect"], received["request_id"], received["body"], given)
    log = RequestLog(logger, request_id=incoming.id, key_id=received["key_id"], dialect=incoming.dialect)
    try:
        request = read(incoming)
        log.note(model=request.model)
        failure = event["failure"]
        if failure is not None:  # told only now: without a readable request there was no record to read
            raise from_upstream(failure["error"], state=failure["state"])
        fallback = received.get("fallback")
        if fallback is not None:
            request = request._replace(variant=fallback["variant"])
            log.fell_back(request.model, fallback["from"], from_upstream(fallback["error"], state="InvokeModel"))
        prepared = prepare(request, event["record"], time.time())
        result = {"invocation": prepared.invocation.to_json(), "spec": prepared.spec.to_json()}
        if not fits_into_a_state(result):
            raise ApiError("request_too_large")
    except ApiError as error:
        log.failed(error)
        return {"response": dialects.find(incoming.dialect).write_error(error, incoming.id)._asdict()}
    else:
        log.asked(prepared.spec)
        log.note(unknown_record_fields=prepared.unknown_record_fields or None)
        return result
    finally:
        log.write()
