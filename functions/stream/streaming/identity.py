"""Tells which request this is and whose, from what API Gateway says of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

from tollgate_layer.inference.json_text import parse_json


class Identity(NamedTuple):
    """The ids of a request and of the API key that it came with. `key_id` is empty where there is no key."""

    request_id: str
    key_id: str


def identify(headers: Iterable[tuple[bytes, bytes]]) -> Identity:
    """Read a request's ids from its headers.

    The Lambda Web Adapter passes API Gateway's request context on in a header. A request that came another way, or
    with a context that cannot be read, gets a new id and no key.
    https://awslabs.github.io/aws-lambda-web-adapter/features/request-context.html
    """
    context = _request_context(headers)
    request_id = context.get("requestId") or str(uuid.uuid4())
    # Any of them may be there and null.
    caller = context.get("identity") or {}
    return Identity(request_id, caller.get("apiKeyId") or "")


def _request_context(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    context: Any = None
    for name, value in headers:
        if name == b"x-amzn-request-context":
            try:
                context = parse_json(value)
            except ValueError:
                context = None
    if isinstance(context, dict):
        return context
    return {}
