"""What a browser wants to see before it lets a web page of another origin read an answer.

It is the same that api/templates/cors.vtl says of all other answers; preflights never come as far as this function.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Iterable

_READABLE = "x-request-id, Retry-After"


def cors_headers(origins: str, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that an answer to a request gets.

    >>> cors_headers("https://app.example.com", [(b"origin", b"https://app.example.com")])["vary"]
    'Origin'

    Args:
        origins: the parameter CorsOrigins: `*`, or origins with commas between them, or nothing.
        headers: the request's.
    """
    if not origins:
        return {}
    if origins == "*":
        return {"access-control-allow-origin": "*", "access-control-expose-headers": _READABLE}
    answer = {"vary": "Origin"}
    for name, value in headers:
        origin = value.decode("latin-1")
        if name == b"origin" and origin in origins.split(","):
            answer["access-control-allow-origin"] = origin
            answer["access-control-expose-headers"] = _READABLE
    return answer
