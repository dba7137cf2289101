"""What API Gateway itself refuses, or gives up on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from tests.faults.case import Answer

CHAT, LIVE_CHAT = "/v1/chat/completions", "/stream/v1/chat/completions"
BODY = {"model": "nobody", "messages": [{"role": "user", "content": "quokka-4711"}]}
ELEVEN_MB = b" " * 11 * 1024 * 1024
Send = Callable[[httpx.Client], httpx.Response]


@dataclass(frozen=True)
class GatewayCase:
    """One refusal; the request needs no model."""

    name: str
    answer: Answer
    send: Send

    def __str__(self) -> str:
        return f"API Gateway: {self.name}"


def _post(path: str, **arguments) -> Send:
    return lambda http: http.post(path, **{"json": BODY, **arguments})


def _get(path: str) -> Send:
    return lambda http: http.get(path)


def _content(path: str, content: bytes, media_type: str = "application/json") -> Send:
    return lambda http: http.post(path, content=content, headers={"content-type": media_type})


def _refused(status: int, code: str, retry_after: int | None = None) -> Answer:
    return Answer(status, code, retry_after, calls=0)


CASES = [
    case
    for path in (CHAT, LIVE_CHAT)
    for case in (
        GatewayCase(f"no key, {path}", _refused(401, "invalid_api_key"), _post(path, headers={"authorization": ""})),
        GatewayCase(
            f"a key of another kind, {path}",
            _refused(401, "invalid_api_key"),
            _post(path, headers={"authorization": "Basic abc"}),
        ),
        GatewayCase(
            f"a wrong key, {path}",
            _refused(401, "invalid_api_key"),
            _post(path, headers={"authorization": "Bearer wrong"}),
        ),
        GatewayCase(
            f"the wrong media type, {path}",
            _refused(415, "unsupported_media_type"),
            _content(path, b"model=nobody", "application/x-www-form-urlencoded"),
        ),
        GatewayCase(f"a body of 11 MB, {path}", _refused(413, "request_too_large"), _content(path, ELEVEN_MB)),
        GatewayCase(f"the wrong method, {path}", _refused(405, "method_not_allowed"), _get(path)),
        GatewayCase(f"a body that is not JSON, {path}", _refused(400, "invalid_json"), _content(path, b"{")),
        GatewayCase(f"an unknown model, {path}", _refused(404, "model_not_found"), _post(path)),
    )
] + [
    GatewayCase(
        "an unknown path", _refused(404, "not_found"), lambda http: http.post("/v2/chat/completions", json=BODY)
    ),
    GatewayCase(
        "a file for an unknown path",
        _refused(404, "not_found"),
        lambda http: http.post("/v1/files", files={"file": b"{}"}, data={"purpose": "batch"}),
    ),
    GatewayCase(
        "a form for a known path with the wrong method",
        _refused(405, "method_not_allowed"),
        lambda http: http.put(CHAT, data={"model": "m"}),
    ),
    GatewayCase("an unknown model, /v1/models", _refused(404, "model_not_found"), _get("/v1/models/nobody")),
]

LIMITS = [
    GatewayCase("the integration takes too long", _refused(504, "timeout"), _post(CHAT)),
    GatewayCase("the key's rate is used up", _refused(429, "rate_limit_exceeded", 5), _post(CHAT)),
]
QUOTA = GatewayCase("the key's quota is used up", _refused(429, "rate_limit_exceeded", 60), _post(CHAT))
