"""One HTTP request and its answer, as ASGI messages. https://asgi.readthedocs.io/en/latest/specs/www.html"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from tollgate_layer.inference.completion import COMMENT, event
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.response import Response, refuse

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

# Lambda takes events of 6 MiB; the body is a JSON string in it, beside headers and context.
MAX_BODY_BYTES = 6_000_000


class Identity(NamedTuple):
    """Which request this is, and whose: as API Gateway says."""

    request_id: str
    key_id: str


def identify(headers: Headers) -> Identity:
    """From the request context that the Lambda Web Adapter passes on; without one, a new id and no key.

    https://awslabs.github.io/aws-lambda-web-adapter/features/request-context.html
    """
    context: Any = {}
    for name, value in headers:
        if name == b"x-amzn-request-context":
            try:
                context = json.loads(value)
            except ValueError:
                context = {}
    if not isinstance(context, dict):
        context = {}
    caller = context.get("identity") or {}
    return Identity(context.get("requestId") or str(uuid.uuid4()), caller.get("apiKeyId") or "")


async def read_body(receive: Receive) -> str:
    """The body as text.

    Raises:
        RequestError: `request_too_large`, or `invalid_json` when it is not UTF-8.
        ClientGoneError: the client leaves before its end.
    """
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            reason = f"The request is larger than {MAX_BODY_BYTES} bytes, the most that this base URL takes."
            raise RequestError("request_too_large", reason)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RequestError("invalid_json", "The body is not UTF-8.") from None


class ClientGoneError(Exception):
    """When the client closes the connection before it has its answer."""


class UntilClientLeaves:
    """Within this context the current task is cancelled when the client leaves, which raises ClientGoneError."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._watch = asyncio.create_task(self._cancel_when_gone())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watch.cancel()
        if self._gone and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise ClientGoneError from error

    async def _cancel_when_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._task.cancel()


class Reply:
    """The answer to one request: events by `write`, or a response with `end`; `headers` go with either."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.headers = {"x-request-id": request_id}
        self._send = send
        self._begun = False
        self._writing = asyncio.Lock()
        self._written_at = asyncio.get_running_loop().time()

    async def write(self, events: str) -> None:
        """Send server-sent events at once."""
        async with self._writing:
            if not self._begun:
                await self._start(200, {"content-type": "text/event-stream", "cache-control": "no-cache"})
            await self._send({"type": "http.response.body", "body": events.encode(), "more_body": True})
            self._written_at = asyncio.get_running_loop().time()

    async def comment_when_idle(self, interval_s: float) -> None:
        """Send a comment whenever nothing was sent for so long; runs until it is cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            wait_s = self._written_at + interval_s - now()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                await self.write(COMMENT)

    async def fail(self, error: ApiError) -> Response | None:
        """The response to a failure; where events were sent before, it is one more, and there is no response."""
        if not self._begun:
            return refuse(error, self.request_id)
        await self.write(event(error.body(self.request_id)))
        return None

    async def end(self, response: Response | None) -> None:
        """Send the response; without one, no more events come."""
        if response is None:
            await self._send({"type": "http.response.body", "body": b""})
            return
        body = response.body.encode()
        headers = {"content-type": response.content_type, "content-length": str(len(body))}
        if response.retry_after:
            headers["retry-after"] = response.retry_after
        await self._start(response.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        self._begun = True
        raw = [(name.encode(), value.encode("latin-1")) for name, value in (headers | self.headers).items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
