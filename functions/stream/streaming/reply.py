"""Sends what the client gets, as ASGI messages: one response, or server-sent events."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from streaming.asgi import Send
from tollgate_layer.inference.dialects import Dialect
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.response import EVENT_STREAM, Response

_COMMENT = ": waiting for the model\n\n"
"""Keeps the connection of a waiting client open. Clients skip lines that begin with a colon:
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""


class EncodedResponse(NamedTuple):
    """A response as bytes: what can go wrong with its text has gone wrong before it exists."""

    status: int
    headers: dict[str, str]
    body: bytes


def encode(response: Response) -> EncodedResponse:
    """The response as bytes."""
    body = response.body.encode()
    headers = {"content-type": response.content_type, "content-length": str(len(body))}
    if response.retry_after:
        headers["retry-after"] = response.retry_after
    return EncodedResponse(response.status, headers, body)


class Reply:
    """Sends the reply to one request: either events (`write` …, `end(None)`) or one response (`end(response)`).

    The HTTP status is sent with the first bytes and cannot change after them. So nothing is sent before there is
    something to say: a failure before the first `write` still becomes a status of its own (decision 62).

    `headers` are sent with either kind of reply; they can be added to until then. `dialect` says how failures are
    written; it is set again as soon as the request's route is known.
    """

    def __init__(self, send: Send, request_id: str, dialect: Dialect) -> None:
        self.request_id = request_id
        self.dialect = dialect
        self.headers = {"x-request-id": request_id}
        self._send = send
        self._begun = False
        # Events and comments come from two tasks, and a slow client makes one wait in the middle of its writing.
        self._writing = asyncio.Lock()
        self._clock = asyncio.get_running_loop().time
        self._last_write = self._clock()

    async def write(self, events: str) -> None:
        """Send server-sent events at once; the first write sends status 200 and the headers before them."""
        async with self._writing:
            if not self._begun:
                await self._start(200, {"content-type": EVENT_STREAM, "cache-control": "no-cache"})
            await self._send({"type": "http.response.body", "body": events.encode(), "more_body": True})
            self._last_write = self._clock()

    async def comment_when_idle(self, interval_s: float) -> None:
        """Send a comment whenever nothing was sent for `interval_s`; runs until it is cancelled."""
        while True:
            wait_s = self._last_write + interval_s - self._clock()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                await self.write(_COMMENT)

    async def fail(self, error: ApiError) -> EncodedResponse | None:
        """Report a failure. Returns what `end` is to be called with.

        Before the first write that is a response with the error's status. After it the status is spent: the error is
        sent as one more event, and None is returned.
        """
        if not self._begun:
            return encode(self.dialect.write_error(error, self.request_id))
        await self.write(self.dialect.error_event(error, self.request_id))
        return None

    async def end(self, response: EncodedResponse | None) -> None:
        """Send `response`, or end the events if it is None. On Lambda the process may stop with this."""
        if response is None:
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._start(response.status, response.headers)
        await self._send({"type": "http.response.body", "body": response.body})

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        self._begun = True
        all_headers = headers | self.headers
        raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in all_headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw_headers})
