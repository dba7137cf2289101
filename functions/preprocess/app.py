"""Preprocess: a client's request → an invocation, or the finished answer where there is nothing to invoke."""

from __future__ import annotations

import time
from typing import Any

from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.invocation import Request, model_name, prepare, read_request
from tollgate_layer.inference.observability import Call, function_logger
from tollgate_layer.inference.response import refuse

logger = function_logger()


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Event: {request: {route, request_id, key_id, body}, record, failure}.

    Result: {invocation, spec}, or {response}.
    """
    received = event["request"]
    request = Request(received["route"], received["request_id"], received["body"])
    call = Call(logger, request_id=request.request_id, key_id=received["key_id"], route=request.route)
    try:
        document = read_request(request)
        call.note(model=model_name(document))
        if event.get("failure"):
            raise from_upstream(event["failure"], state="ResolveModel")
        prepared = prepare(request, document, event["record"], time.time())
    except ApiError as error:
        call.failure(error)
        return {"response": refuse(error, request.request_id)._asdict()}
    else:
        call.spec(prepared.spec)
        return {"invocation": prepared.invocation._asdict(), "spec": prepared.spec.to_json()}
    finally:
        call.end()
