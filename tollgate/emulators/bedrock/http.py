"""The HTTP side of every operation: reading bodies, writing answers and errors."""

from __future__ import annotations

import json
import math
import re
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tollgate.emulators.bedrock.errors import ServiceError, invalid

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY_BYTES = 25_000_000
_JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json|application/x-amz-json-1\.[01]")


async def read_body(request: Request) -> bytes:
    """Read the whole body; raises ServiceError (ValidationException) when it has over 25,000,000 bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise invalid(
                f"1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_BODY_BYTES}"
            )
        parts.append(part)
    return b"".join(parts)


async def read_object(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object.

    Raises:
        ServiceError: ValidationException, the body is too large or no JSON object.
    """
    return parse_object(await read_json(request))


async def read_json(request: Request) -> bytes:
    """Read the text of a JSON body.

    Raises:
        ServiceError: ValidationException, the body is too large; UnsupportedMediaTypeException, its Content-Type says
            that it is something else. A web page can send other types than JSON's without being asked first.
    """
    kind = request.headers.get("content-type")
    if kind is not None and _JSON_TYPE.fullmatch(kind.partition(";")[0].strip().lower()) is None:
        raise ServiceError("UnsupportedMediaTypeException", f"Send application/json, not {kind[:100]}.")
    return await read_body(request)


def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object from its text, as strictly as the standard has it.

    Python reads NaN and Infinity, which are no JSON, and makes infinity of a number like 1e400.

    Raises:
        ServiceError: ValidationException, this is no JSON object.
    """
    try:
        # As text: from bytes json would read UTF-16 and UTF-32 too.
        body = json.loads(raw.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise invalid("Malformed input request, please reformat your input and try again.") from error
    if not isinstance(body, dict):
        raise invalid("Malformed input request: expected type: JSONObject, please reformat your input and try again.")
    return body


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond every number that can be held")
    return number


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        json.dumps(body, separators=(",", ":"), allow_nan=False),
        status,
        {"content-type": "application/json", **request_headers(), **(headers or {})},
    )


def request_headers() -> dict[str, str]:
    """Headers that every answer has: a new request id."""
    return {"x-amzn-requestid": str(uuid.uuid4())}


def error_answer(error: ServiceError) -> Response:
    """An error in AWS's REST-JSON protocol: the code is in a header, the message in the body."""
    return json_answer({"message": error.message, **error.fields}, error.status, {"x-amzn-errortype": error.code})


def check_signing_region(request: Request, region: str) -> None:
    """Raise ServiceError when the request is signed for another Region; unsigned requests are let in."""
    scope = request.headers.get("authorization", "")
    if scope.startswith("AWS4-HMAC-SHA256") and f"/{region}/" not in scope:
        raise ServiceError(
            "InvalidSignatureException", f"Credential should be scoped to a valid Region: this is {region}."
        )
