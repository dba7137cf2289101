"""What is sent to hooks, and what of their answers is taken. docs/hooks.md has the contract in words.

A hook is not trusted to be right: each answer is checked by the validators that `make api` writes from api/hooks.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject, parse_sound_json, to_json
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.response import Response

VERSION = 1
MOST_STATE_BYTES = 32 * 1024
"""Of what the hook before the model leaves for the one after it, as JSON."""


class HookCall(NamedTuple):
    """A call of a hook that is to be made: of which function, how long it may take, and its event.

    The event lacks two fields, which are added last: `body`, the client's text, and `deadline_ms`.
    """

    function: str
    timeout_s: float
    event: JsonObject

    def to_json(self) -> JsonObject:
        """The call as it travels through the execution."""
        return self._asdict()


class HookReport(NamedTuple):
    """What came of a call: the hook's answer, or else the name of the error with which it failed."""

    answer: Any = None
    failure: str | None = None

    @classmethod
    def from_json(cls, value: JsonObject) -> HookReport:
        """The report as the state machine writes it: {answer} or {failure}."""
        return cls(value.get("answer"), value.get("failure"))


class HookFailedError(Exception):
    """Raised when a hook gave no usable answer; `name` is the error's, and says nothing of any request."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def common_event(hook: str, incoming: IncomingRequest, key_id: str | None, model: str) -> JsonObject:
    """The fields that both hooks' events have."""
    return {
        "version": VERSION,
        "hook": hook,
        "request_id": incoming.id,
        "key_id": key_id,
        "model": model,
        "dialect": incoming.dialect,
        "content_type": incoming.given.get("content_type") or "application/json",
        "accept": incoming.given.get("accept", ""),
        "custom_attributes": incoming.given.get("custom_attributes", ""),
    }


def checked_answer(hook: str, report: HookReport) -> JsonObject:
    """A hook's answer with its defaults, and without what is null.

    Raises:
        HookFailedError: the call failed, or its answer is not of the contract's shape.
        RequestError: the hook refuses the request.
    """
    if report.failure is not None:
        raise HookFailedError(report.failure)
    from pydantic_core import ValidationError

    from tollgate_layer.inference.schemas import validator

    try:
        # Others parsed it, who take any depth, and halves of surrogate pairs.
        answered = parse_sound_json(to_json(report.answer))
        fields = validator(f"hook_{hook}").validate_python(answered)
    except (ValidationError, ValueError, RecursionError) as error:
        raise HookFailedError("AnswerNotOfTheContract") from error
    answer = {name: value for name, value in fields.items() if value is not None}
    if len(answer.keys() - {"state"}) > 1:
        raise HookFailedError("AnswerNotOfTheContract")
    if len(to_json(answer.get("state")).encode("utf-8", "surrogatepass")) > MOST_STATE_BYTES:
        raise HookFailedError("StateTooLarge")
    if "error" in answer:
        refusal = answer["error"]
        raise RequestError(refusal["code"], refusal["message"], param=refusal["param"])
    return answer


def response_of(fields: JsonObject) -> Response:
    """The client's response that a hook has made."""
    response = Response(fields["status"], fields["content_type"], "", fields["body"])
    return response._replace(custom_attributes=fields["custom_attributes"])


def hook_failed(failure: HookFailedError) -> ApiError:
    """The answer to a client whose request needs a hook that failed."""
    if failure.name == "States.DataLimitExceeded":
        # Beside the hook's answer the request no longer fits into an execution.
        return ApiError("request_too_large", upstream=failure.name)
    return ApiError("hook_failed", upstream=failure.name)
