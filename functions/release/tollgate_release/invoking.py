"""Requests of a release's own: through the inference machine, as every client's."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate_layer.inference.telemetry import RELEASE
from tollgate_release.keep_warm.ping import ping_input

if TYPE_CHECKING:
    from tollgate_release.services import Services

_NOT_READY = ("model_not_ready", "timeout", "model_unavailable", "model_throttled")


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """An answer to a request of a release's own. `code` is the error's, empty for a completion."""

    status: int
    body: str
    seconds: float
    code: str

    @property
    def may_pass(self) -> bool:
        """Whether the model may answer later: it is cold, throttled or slow."""
        return self.code in _NOT_READY


def ask(services: Services, model: str, request: dict[str, Any]) -> OwnAnswer:
    """Send a chat request to a model or one variant of it; it is counted nowhere."""
    body = json.dumps({**request, "model": model})
    return _run(
        services,
        {"dialect": "chat.completions", "request_id": str(uuid.uuid4()), "key_id": RELEASE, "body": body},
    )


def ask_for_a_token(services: Services, model: str) -> OwnAnswer:
    """Ask for one token, as keep-warm does, and wait for it."""
    return _run(services, ping_input(model, str(uuid.uuid4())))


def ping(services: Services, model: str) -> None:
    """Ask for one token, and do not wait for it."""
    services.client("stepfunctions").start_execution(
        stateMachineArn=services.inference_machine, input=json.dumps(ping_input(model, str(uuid.uuid4())))
    )


def _run(services: Services, execution: dict[str, Any]) -> OwnAnswer:
    started_s = time.monotonic()
    answer = services.client("stepfunctions").start_sync_execution(
        stateMachineArn=services.inference_machine, input=json.dumps(execution)
    )
    seconds = (answer["stopDate"] - answer["startDate"]).total_seconds() or time.monotonic() - started_s
    if answer["status"] != "SUCCEEDED":
        code = "timeout" if answer["status"] == "TIMED_OUT" else "internal_error"
        return OwnAnswer(500, "{}", seconds, code)
    response = json.loads(answer["output"])
    return OwnAnswer(response["status"], response["body"], seconds, _code(response))


def _code(response: dict[str, Any]) -> str:
    if response["status"] == 200:
        return ""
    try:
        return str(json.loads(response["body"])["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return "unknown"
