"""The web application: routes, and one log line for each request."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

from aws_lambda_powertools import Logger

from streaming.asgi import Receive, Scope, Send
from streaming.disconnect import ClientGoneError, UntilClientLeaves
from streaming.identity import identify
from streaming.path import StreamingPath
from streaming.reply import Reply
from streaming.request_body import read_body
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.invocation import Prepared, Request
from tollgate_layer.inference.observability import Call
from tollgate_layer.inference.request import Route
from tollgate_layer.inference.response import Response

READINESS_PATH = "/ready"
ROUTES: dict[str, Route] = {
    "/stream/v1/chat/completions": "chat.completions",
    "/stream/v1/completions": "completions",
}
# API Gateway drops a connection that is idle for five minutes, and an answer at once is silent until then.
_SILENT_LIMIT_S = 290.0
# What the answer `timeout` itself may take on its way, before API Gateway gives up.
_RESERVE_S = 2.0


class Application:
    """ASGI; `timeout_s` is how long API Gateway waits, `comment_interval_s` what it may wait without a byte."""

    def __init__(self, path: StreamingPath, logger: Logger, *, timeout_s: float, comment_interval_s: float) -> None:
        self._path = path
        self._logger = logger
        self._timeout_s = max(timeout_s - _RESERVE_S, 0)
        self._comment_interval_s = comment_interval_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        identity = identify(scope["headers"])
        reply = Reply(send, identity.request_id)
        if scope["path"] == READINESS_PATH:
            await reply.end(Response(200, "text/plain", "", "ready\n"))
            return
        call = Call(self._logger, **identity._asdict())
        started = time.perf_counter()
        try:
            last = await self._answer(scope, receive, reply, call)
        except ClientGoneError:
            call.note(status=499, code="client_gone")
            last = None
        except ApiError as error:
            call.failure(error)
            last = await reply.fail(error)
        except Exception as error:
            self._log_bug(error)
            failure = ApiError("internal_error")
            call.failure(failure)
            last = await reply.fail(failure)
        call.note(duration_s=round(time.perf_counter() - started, 4))
        # Before the answer's end: with it Lambda may stop this process until the next request.
        call.end()
        await reply.end(last)

    async def _answer(self, scope: Scope, receive: Receive, reply: Reply, call: Call) -> Response | None:
        """The response; None where the answer was written as events."""
        route = _route_of(scope, reply)
        call.note(route=route)
        request = Request(route, reply.request_id, await read_body(receive))
        prepared = await self._path.prepare(request, call)
        try:
            async with UntilClientLeaves(receive):
                if prepared.spec.stream:
                    await self._write_events(prepared, reply, call)
                    return None
                limit_s = min(self._timeout_s, _SILENT_LIMIT_S)
                async with asyncio.timeout(limit_s):
                    return await self._path.complete(prepared, call, limit_s)
        except TimeoutError as error:
            raise ApiError("timeout") from error

    async def _write_events(self, prepared: Prepared, reply: Reply, call: Call) -> None:
        events = _timed(self._path.stream(prepared, call, self._timeout_s), call)
        comments = asyncio.create_task(reply.comment_when_idle(self._comment_interval_s))
        try:
            async with asyncio.timeout(self._timeout_s), contextlib.aclosing(events):
                async for event in events:
                    await reply.write(event)
        finally:
            comments.cancel()

    def _log_bug(self, error: Exception) -> None:
        """Where it happened, without its message, which may quote a prompt."""
        frame = error.__traceback__
        while frame and frame.tb_next:
            frame = frame.tb_next
        where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else None
        self._logger.error("bug", exception_name=type(error).__name__, location_of_exception=where)


def _route_of(scope: Scope, reply: Reply) -> Route:
    """The route of a request; a custom domain may put its base path before the API's.

    Raises:
        ApiError: there is none, or not for this method or media type.
    """
    path: str = scope["path"]
    route = ROUTES.get(path[path.find("/stream/v1/") :])
    if route is None:
        raise ApiError("not_found")
    if scope["method"] != "POST":
        reply.headers["allow"] = "POST"
        raise ApiError("method_not_allowed")
    media_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"application/json")
    if media_type.split(b";")[0].strip().lower() != b"application/json":
        raise ApiError("unsupported_media_type")
    return route


async def _timed(events: AsyncGenerator[str], call: Call) -> AsyncGenerator[str]:
    """The same events; the log gets when the first and the last one came."""
    started = time.perf_counter()
    first = last = None
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                last = round(time.perf_counter() - started, 4)
                first = first or last
                yield event
    finally:
        call.note(time_to_first_token_s=first, time_to_last_token_s=last)
