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

    Event: {request_id, key_id, dialect, spec, attempts, model_ms}, and {answer}, {failure} or {after}; the answer of an
    endpoint is text. `spec` is null where Preprocess made none, `model_ms` where the model did not answer. `after` is
    what this function has returned before, and the answer or failure of the hook that was asked.

    Result: the response, with {shadow} where another variant is to be asked, too; or {after: {call, response, outcome,
    model_ms}}, where a hook is to see the completion; or {texts: {bucket, key, body}} of a shadow that are to be kept.
    """
    request_id = event["request_id"]
    log = RequestLog(logger, request_id=request_id, key_id=event["key_id"], attempts=event.get("attempts"))
    is_over = True
    try:
        result = _result(event, log)
        if not fits_into_a_state(result):
            raise answer_too_large()
        is_over = "after" not in result
    except ApiError as error:
        log.failed(error)
        return dialects.find(event["dialect"]).write_error(error, request_id)._asdict()
    else:
        return result
    finally:
        if is_over:  # else the request comes back, with what its hook has answered
            log.write()


def _result(event: dict[str, Any], log: RequestLog) -> dict[str, Any]:
    """The response, or a hook's call. Raises ApiError: there is none."""
    if event.get("spec"):
        spec = CompletionSpec.from_json(event["spec"])
        log.asked(spec)
    if "failure" in event:
        failure = event["failure"]
        raise from_upstream(failure["error"], state=failure["state"], cause=failure.get("cause", ""))
    if "after" in event:
        from tollgate_layer.inference.hooks.after import finish  # only records with hooks need it

        return finish(spec, event["after"], log)
    model_ms = event.get("model_ms")
    seconds = None if model_ms is None else model_ms / 1000
    if event.get("shadow") or spec.shadow:
        return _with_shadow(spec, event, seconds, log)
    completed = complete(spec, _read(event["answer"]))
    if completed.completion is not None:
        from tollgate_layer.inference.hooks.after import ask_first

        return ask_first(spec, completed, event)
    log.completed(spec, completed.outcome, seconds)
    return completed.response._asdict()


def _with_shadow(spec: CompletionSpec, event: dict[str, Any], seconds: float | None, log: RequestLog) -> dict[str, Any]:
    """The response of a request that has a shadow, or is one. Raises ApiError: the answer cannot be read."""
    from tollgate_layer.inference import shadow
    from tollgate_layer.inference.hooks.after import ask_first

    completed = complete(spec, _read(event["answer"]), with_completion=True)
    assert completed.completion is not None
    asked = event.get("shadow")
    if asked:
        log.completed(spec, completed.outcome, seconds)
        log.shadowed(spec, shadow.compared(asked, completed.completion, completed.outcome, seconds))
        if asked["bucket"] is None:
            return completed.response._asdict()
        return {"texts": shadow.texts(asked, completed.completion, event["request_id"], spec.model, spec.variant)}
    follows = {"shadow": shadow.first_answer(spec, completed.completion, seconds)}
    if spec.after is not None:
        asks = ask_first(spec, completed, event)
        return {"after": {**asks["after"], **follows}}
    log.completed(spec, completed.outcome, seconds)
    response = completed.response._asdict()
    return {**response, **follows} if fits_into_a_state({**response, **follows}) else response
