"""Postprocess: the model's answer, or a failure of any step → the client's response."""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference import dialects
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import AnswerError, ApiError
from tollgate_layer.inference.failures.upstream import answer_too_large, from_upstream
from tollgate_layer.inference.json_text import parse_json
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.request_log import RequestLog, function_logger
from tollgate_layer.inference.state_data import fits_into_a_state

logger = function_logger()


def _read(answer: Any) -> Any:
    """A model's answer: parsed already, or, from an endpoint, its text, or the text's base64.

    Raises:
        AnswerError: it is no JSON.
    """
    if not isinstance(answer, str):
        return answer
    from base64 import b64decode  # answers of endpoints alone need it

    try:
        text = answer if answer.lstrip()[:1] in ("{", "[") else b64decode(answer, validate=True).decode()
        return parse_json(text.encode())
    except ValueError as error:
        raise AnswerError from error


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One answer, or one failure: {state, error, cause}; the model alone has a cause.

    Event: {request_id, key_id, dialect, spec, attempts, model_ms}, and {answer} or {failure}; the answer of an endpoint
    is text. `spec` is null where Preprocess made none, `model_ms` where the model did not answer. Result: the response.
    """
    request_id = event["request_id"]
    log = RequestLog(logger, request_id=request_id, key_id=event["key_id"], attempts=event.get("attempts"))
    try:
        if event.get("spec"):
            spec = CompletionSpec.from_json(event["spec"])
            log.asked(spec)
        if "failure" in event:
            failure = event["failure"]
            raise from_upstream(failure["error"], state=failure["state"], cause=failure.get("cause", ""))
        completed = complete(spec, _read(event["answer"]))
        if not fits_into_a_state(completed.response):
            raise answer_too_large()
    except ApiError as error:
        log.failed(error)
        return dialects.find(event["dialect"]).write_error(error, request_id)._asdict()
    else:
        model_ms = event.get("model_ms")
        log.completed(spec, completed.outcome, None if model_ms is None else model_ms / 1000)
        return completed.response._asdict()
    finally:
        log.write()
