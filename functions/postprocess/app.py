"""Postprocess: the model's answer, or a failure of any step → the client's answer."""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.failures.errors import ApiError, to_json
from tollgate_layer.inference.failures.upstream import answer_too_large, from_upstream
from tollgate_layer.inference.observability import Call, function_logger
from tollgate_layer.inference.response import refuse, respond
from tollgate_layer.inference.spec import CompletionSpec

logger = function_logger()

DATA_LIMIT_BYTES = 256 * 1024 - 2048
"""What a state's result may hold, less what Step Functions writes around a function's result.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Event: {request_id, key_id, spec, attempts}, and {answer} or {failure}; result: the response."""
    request_id = event["request_id"]
    call = Call(logger, request_id=request_id, key_id=event["key_id"], attempts=event.get("attempts"))
    try:
        if event.get("spec"):
            spec = CompletionSpec.from_json(event["spec"])
            call.spec(spec)
        if "failure" in event:
            raise from_upstream(event["failure"]["error"], state=event["failure"]["state"])
        answered = respond(spec, event["answer"])
        if len(to_json(answered.response).encode("utf-8", "surrogatepass")) > DATA_LIMIT_BYTES:
            raise answer_too_large()
    except ApiError as error:
        call.failure(error)
        return refuse(error, request_id)._asdict()
    else:
        call.completion(answered.reader)
        return answered.response._asdict()
    finally:
        call.end()
