"""Keeps web pages out of the servers on loopback.

A browser lets any page send requests to 127.0.0.1, and a page whose own host name is made to resolve to 127.0.0.1 may
even read the answers (DNS rebinding). The servers of this package have well-known keys or none, so they refuse:

- a `Host` other than 127.0.0.1, localhost or [::1] with the server's port: 421, which stops rebinding;
- an `Origin` other than the server's own: 403. Browsers send one with every request that a page may write with;
- `Sec-Fetch-Site` of another site: 403. Browsers send it where they send no Origin, as for images and forms.

Programs send none of these but their right Host. This module imports nothing of its package, because the processes of
web functions, which do not see the runner's modules, load it from its file.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_OWN_SITES = ("same-origin", "none")  # `none`: the user typed the address
_REASONS = {403: "403 Forbidden", 421: "421 Misdirected Request"}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def refusal(
    headers: Iterable[tuple[str, str]], port: int, *, any_loopback_origin: bool = False, origins: str = ""
) -> tuple[int, str] | None:
    """Why a request is refused, as status and sentence; None for one that is let in.

    >>> refusal([("host", "localhost:3000")], 3000)
    >>> refusal([("host", "evil.example:3000")], 3000)[0]
    421

    Args:
        headers: the request's names and values.
        port: where the server listens.
        any_loopback_origin: let in pages of any server on this machine, not of this one alone.
        origins: let in pages of these origins, too, which have commas between them, or `*` for all: the stack's
            parameter CorsOrigins, which is about the API alone.
    """
    headers = list(headers)
    hosts = _own_hosts(port)
    found = []
    is_invited = _is_invited(headers, origins)
    for name, value in headers:
        lowered = name.lower()
        if lowered == "host":
            found.append(value.strip().lower())
        elif is_invited:
            continue
        elif lowered == "origin" and not _is_own_origin(value.strip().lower(), hosts, any_loopback_origin):
            return 403, f"A web page of another origin ({value[:100]}) may not use this local server."
        elif lowered == "sec-fetch-site" and value.strip().lower() not in _OWN_SITES:
            return 403, "A web page of another site may not use this local server."
    if not found or any(host not in hosts for host in found):
        return 421, f"This local server answers only as {', '.join(f'{name}:{port}' for name in _NAMES)}."
    return None


def _is_invited(headers: list[tuple[str, str]], origins: str) -> bool:
    """Whether a request comes from a page of one of the origins."""
    sent = [value.strip() for name, value in headers if name.lower() == "origin"]
    return bool(sent) and (origins == "*" or all(origin in origins.split(",") for origin in sent))


def _own_hosts(port: int) -> set[str]:
    hosts = {f"{name}:{port}" for name in _NAMES}
    if port == 80:  # clients leave the default port out
        hosts.update(_NAMES)
    return hosts


def _is_own_origin(origin: str, hosts: set[str], any_loopback_origin: bool) -> bool:
    scheme, _, host = origin.partition("://")
    if scheme != "http":
        return False
    if any_loopback_origin:
        return host in _NAMES or host.rpartition(":")[0] in _NAMES
    return host in hosts


def guard_asgi(app: AsgiApp, port: int, *, any_loopback_origin: bool = False, origins: str = "") -> AsgiApp:
    """An ASGI application that passes on what is let in. WebSockets are closed: none of the servers has any."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        refused = refusal(headers, port, any_loopback_origin=any_loopback_origin, origins=origins)
        if refused is None and scope["type"] == "http":
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            assert refused is not None
            status, sentence = refused
            body = json.dumps({"message": sentence}).encode()
            sent = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": [*sent, (b"connection", b"close")]})
            await send({"type": "http.response.body", "body": body})

    return guarded


def guard_wsgi(app: Callable[..., Any], port: Callable[[], int]) -> Callable[..., Any]:
    """A WSGI application that passes on what is let in, and takes CORS headers out of the answers.

    `port` tells the server's port when a request comes, since it is not known before the server is made.
    """

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        names = {"HTTP_HOST": "host", "HTTP_ORIGIN": "origin", "HTTP_SEC_FETCH_SITE": "sec-fetch-site"}
        headers = [(name, environ[key]) for key, name in names.items() if key in environ]
        refused = refusal(headers, port())
        if refused is not None:
            status, sentence = refused
            body = json.dumps({"message": sentence}).encode()
            start_response(
                _REASONS[status],
                [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")],
            )
            return [body]

        def start(status: str, answered: list[tuple[str, str]], *more: Any) -> Any:
            kept = [(name, value) for name, value in answered if not name.lower().startswith("access-control-")]
            return start_response(status, kept, *more)

        return app(environ, start)

    return guarded
