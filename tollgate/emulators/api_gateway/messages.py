"""One request to the API and one answer, as data that knows no server."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tollgate.emulators.api_gateway.mapping_templates import Parameters


@dataclass(slots=True)
class ApiRequest:
    """A client's request. `path` is still percent-encoded, because API Gateway does not decode path parameters."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    path_parameters: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """The last value of a header, whatever its case."""
        for key, value in reversed(self.headers):
            if key.lower() == name.lower():
                return value
        return None

    def parameters(self) -> Parameters:
        """Parameters of path, query string and headers; of a repeated one the last counts."""
        query = dict(parse_qsl(self.query, keep_blank_values=True))
        return Parameters(self.path_parameters, query, dict(self.headers))


@dataclass(slots=True)
class ApiResponse:
    """An answer. Its header names are equal whatever their case; a later value replaces an earlier one."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def set_header(self, name: str, value: str) -> None:
        """Set a header in place of one with the same name in any case."""
        for known in [key for key in self.headers if key.lower() == name.lower()]:
            del self.headers[known]
        self.headers[name] = value


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The facts about the API itself that `$context` holds."""

    api_id: str
    stage: str
    account_id: str
    region: str

    def method_arn(self, method: str, path: str) -> str:
        """The ARN that an authorizer's policy allows or denies."""
        return f"arn:aws:execute-api:{self.region}:{self.account_id}:{self.api_id}/{self.stage}/{method}{path}"


def new_context(request: ApiRequest, settings: ApiSettings, resource_path: str) -> dict[str, Any]:
    """Make `$context` for the start of a request.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    """
    now = datetime.now(UTC)
    return {
        "accountId": settings.account_id,
        "apiId": settings.api_id,
        "domainName": request.header("host") or "",
        "extendedRequestId": uuid.uuid4().hex[:16],
        "httpMethod": request.method,
        "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent") or ""},
        "path": f"/{settings.stage}{request.path}",
        "protocol": "HTTP/1.1",
        "requestId": str(uuid.uuid4()),
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(time.time() * 1000),
        "resourcePath": resource_path,
        "stage": settings.stage,
    }


def look_up(context: Any, path: str) -> str:
    """The value at a dotted path in `$context` as text; empty where there is none."""
    value = context
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
