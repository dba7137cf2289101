"""Sends what the client gets, as ASGI messages: one response, or server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from streaming.asgi import Send
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import Dialect, EventWriter, completion_headers
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.response import HEADERS, Response


class EncodedResponse(NamedTuple):
    """A response as bytes: what can go wrong with its text has gone wrong before it exists."""

    status: int
    headers: dict[str, str]
    body: bytes


def encode(response: Response) -> EncodedResponse:
    """The response as bytes."""
    body = response.body.encode()
    headers = {"content-type": response.content_type, "content-length": str(len(body))}
    headers.update(_as_headers(response._asdict()))
    return EncodedResponse(response.status, headers, body)


def _as_headers(fields: Mapping[str, Any]) -> dict[str, str]:
    """The headers among a response's fields, under the names that they have on the wire; empty ones are none."""
    headers = {}
    for field, name in HEADERS.items():
        if fields.get(field):
            headers[name.lower()] = fields[field]
    return headers


class Reply:
    """Sends the reply to one request: either events (`write` …, `end(None)`) or one response (`end(response)`).

    The HTTP status is sent with the first bytes and cannot change after them. So nothing is sent before there is
    something to say: a failure before the first `write` still becomes a status of its own (decision 62).

    `headers` are sent with either kind of reply; they can be added to until then. `dialect` says how failures are
    written; it is set again as soon as the request's route is known. `writer` is there before the first event is.
    """

    def __init__(self, send: Send, request_id: str, dialect: Dialect) -> None:
        self.request_id = request_id
        self.dialect = dialect
        self.writer: EventWriter | None = None
        self.headers = {"x-request-id": request_id}
        self._send = send
        self._begun = False
        # Events and comments come from two tasks, and a slow client makes one wait in the middle of its writing.
        self._writing = asyncio.Lock()
        self._clock = asyncio.get_running_loop().time
        self._last_write = self._clock()

    def begin(self, spec: CompletionSpec) -> EventWriter:
        """Set the writer and the headers of a stream, and return the writer; nothing is sent yet."""
        self.writer = self.dialect.event_writer(spec)
        self.headers.update(_as_headers(completion_headers(spec)))
        return self.writer

    async def write(self, events: bytes) -> None:
        """Send events at once; the first write sends status 200 and the headers before them."""
        async with self._writing:
            if not self._begun:
                await self._start(200, {"content-type": self.dialect.stream_type, "cache-control": "no-cache"})
            await self._send({"type": "http.response.body", "body": events, "more_body": True})
            self._last_write = self._clock()

    async def keep_alive(self, interval_s: float) -> None:
        """Send what clients skip whenever nothing was sent for `interval_s`; runs until it is cancelled."""
        while True:
            wait_s = self._last_write + interval_s - self._clock()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                await self.write(self.dialect.keep_alive)

    async def fail(self, error: ApiError) -> EncodedResponse | None:
        """Report a failure. Returns what `end` is to be called with.

        Before the first write that is a response with the error's status. After it the status is spent: the error is
        sent as one more event, and None is returned.
        """
        if not self._begun or self.writer is None:
            return encode(self.dialect.write_error(error, self.request_id))
        await self.write(self.writer.fail(error, self.request_id))
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
