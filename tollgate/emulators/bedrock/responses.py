"""Responses that Starlette has no class for: an event stream, and an answer that is cut off."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.faults import ConnectionBrokenError
from tollgate.emulators.bedrock.http import error_answer, request_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from starlette.types import Receive, Scope, Send

    from tollgate.emulators.bedrock.models import Traffic


class EventStreamResponse(StreamingResponse):
    """Sends frames as they come. An error before the first frame is answered with its HTTP status instead.

    Starlette watches the connection meanwhile, and cancels the frames when the client goes away.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        headers: dict[str, str],
        traffic: Traffic,
        on_error: Callable[[ServiceError], None],
        refuse: Callable[[ServiceError], Response] = error_answer,
    ) -> None:
        super().__init__(frames, headers={**request_headers(), **headers})
        self._frames = frames
        self._traffic = traffic
        self._on_error = on_error
        self._refuse = refuse

    async def stream_response(self, send: Send) -> None:
        """Send the stream. It counts as open meanwhile, and as closed by the client when it does not reach its end."""
        finished = False
        self._traffic.open_streams += 1
        try:
            async with aclosing(self._frames):
                await self._send_frames(send)
            finished = True
        except ConnectionBrokenError:
            finished = True
            raise
        finally:
            self._traffic.open_streams -= 1
            if not finished:
                self._traffic.streams_closed_by_client += 1

    async def _send_frames(self, send: Send) -> None:
        try:
            first = await anext(self._frames, b"")
        except ServiceError as error:
            self._on_error(error)
            await _send_whole(self._refuse(error), send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for frame in self._frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_whole(response: Response, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})


class CutResponse(Response):
    """Announces its whole body, sends the first bytes of it, and breaks the connection."""

    def __init__(self, body: bytes, keep: int) -> None:
        super().__init__(body, headers=request_headers() | {"content-type": "application/json"})
        self._keep = keep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ConnectionBrokenError, upon which the server closes the connection."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: self._keep], "more_body": True})
        raise ConnectionBrokenError


def silence_broken_connections() -> None:
    """Keep uvicorn from logging a traceback for each connection that a fault breaks on purpose."""
    logger = logging.getLogger("uvicorn.error")
    if _is_unexpected not in logger.filters:
        logger.addFilter(_is_unexpected)


def _is_unexpected(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionBrokenError))
