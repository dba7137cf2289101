"""The web application: routes, and one log line for each request."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

from aws_lambda_powertools import Logger

from streaming.asgi import Receive, Scope, Send
from streaming.cors import cors_headers
from streaming.disconnect import ClientGoneError, UntilClientLeaves
from streaming.identity import identify
from streaming.pipeline import StreamingPipeline
from streaming.preparation import Asked, Attempt, Preparation
from streaming.reply import EncodedResponse, Reply, encode
from streaming.request_body import read_body
from streaming.retries import Retries
from streaming.routes import find_route
from tollgate_layer.inference import dialects
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.request_log import RequestLog
from tollgate_layer.inference.response import Response

READINESS_PATH = "/ready"
_DIALECT_OF_NO_ROUTE = "chat.completions"
# API Gateway drops a connection that is idle for five minutes, and an answer at once is silent until then.
_SILENT_LIMIT_S = 290.0
# What the answer `timeout` itself may take on its way, before API Gateway gives up.
_RESERVE_S = 2.0


class Application:
    """An ASGI application that answers completion requests.

    `timeout_s` is how long API Gateway waits for the end of a reply, `comment_interval_s` after how much silence a
    waiting client is sent a comment. `cors_origins` are those whose web pages may read the answers.
    """

    def __init__(
        self,
        preparation: Preparation,
        pipeline: StreamingPipeline,
        logger: Logger,
        *,
        timeout_s: float,
        comment_interval_s: float,
        cors_origins: str = "",
    ) -> None:
        self._preparation = preparation
        self._pipeline = pipeline
        self._logger = logger
        self._timeout_s = max(timeout_s - _RESERVE_S, 0)
        self._comment_interval_s = comment_interval_s
        self._cors_origins = cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: a failure of any kind is answered, too, and told in the one log line."""
        identity = identify(scope["headers"])
        reply = Reply(send, identity.request_id, dialects.find(_DIALECT_OF_NO_ROUTE))
        if scope["path"] == READINESS_PATH:
            await reply.end(encode(Response(200, "text/plain", "", "ready\n")))
            return
        reply.headers.update(cors_headers(self._cors_origins, scope["headers"]))
        log = RequestLog(self._logger, **identity._asdict())
        started = time.perf_counter()
        try:
            last = await self._answer(scope, receive, reply, identity.key_id, log)
        except ClientGoneError:
            log.note(status=499, code="client_gone")
            last = None
        except ApiError as error:
            log.failed(error)
            last = await reply.fail(error)
        except Exception as error:
            self._log_bug(error)
            failure = ApiError("internal_error")
            log.failed(failure)
            last = await reply.fail(failure)
        log.note(duration_s=round(time.perf_counter() - started, 4))
        # Before the reply's end: with it Lambda may stop this process until the next request.
        log.write()
        await reply.end(last)

    async def _answer(
        self, scope: Scope, receive: Receive, reply: Reply, key_id: str, log: RequestLog
    ) -> EncodedResponse | None:
        """The response; None where the completion was written as events."""
        route = find_route(scope)
        if route is None:
            raise ApiError("not_found")
        log.note(dialect=route.dialect)
        reply.dialect = dialects.find(route.dialect)
        _check_method(scope, reply)
        if not route.given:  # bodies of AWS's SDKs are JSON, whatever they are declared as
            _check_media_type(scope)
        incoming = IncomingRequest(route.dialect, reply.request_id, await read_body(receive), route.given)
        attempt = await self._preparation.prepare(Asked(incoming, key_id), log)
        if isinstance(attempt, Response):
            return await _answer_of_hook(attempt, reply)
        streams = attempt.prepared.spec.stream
        limit_s = self._timeout_s
        if not streams:
            limit_s = min(limit_s, _SILENT_LIMIT_S)
        retries = self._pipeline.retries(limit_s)
        try:
            async with UntilClientLeaves(receive):
                if streams:
                    await self._write_events(attempt, reply, log, retries)
                    return None
                async with asyncio.timeout(limit_s):
                    # Encoded here, where a failure is still answered.
                    return encode(await self._pipeline.complete(attempt, log, retries))
        except TimeoutError as error:
            raise retries.when_time_is_up() from error

    async def _write_events(self, attempt: Attempt, reply: Reply, log: RequestLog, retries: Retries) -> None:
        events = _timed(self._pipeline.stream(attempt, reply.begin, log, retries), log)
        comments = asyncio.create_task(reply.keep_alive(self._comment_interval_s))
        try:
            async with asyncio.timeout(self._timeout_s), contextlib.aclosing(events):
                async for event in events:
                    await reply.write(event)
        finally:
            comments.cancel()

    def _log_bug(self, error: Exception) -> None:
        """Log where an exception happened, without its message, which may quote a prompt."""
        where = None
        frame = error.__traceback__
        while frame is not None:  # to the innermost one
            where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
            frame = frame.tb_next
        self._logger.error("bug", exception_name=type(error).__name__, location_of_exception=where)


async def _answer_of_hook(response: Response, reply: Reply) -> EncodedResponse | None:
    """A hook's answer in the model's place: as it is, or in a frame where the client's SDK reads nothing else."""
    if not reply.dialect.streams:
        return encode(response)
    from streaming.whole_event import whole_event

    await reply.write(whole_event(reply.dialect, response))
    return None


def _check_method(scope: Scope, reply: Reply) -> None:
    """Raises ApiError: only POST is served."""
    if scope["method"] != "POST":
        reply.headers["allow"] = "POST"
        raise ApiError("method_not_allowed")


def _check_media_type(scope: Scope) -> None:
    """Raises ApiError: the body is declared as something else than JSON."""
    media_type = b"application/json"  # where the client does not say
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value
            break
    if media_type.split(b";")[0].strip().lower() != b"application/json":
        raise ApiError("unsupported_media_type")


async def _timed(events: AsyncGenerator[bytes], log: RequestLog) -> AsyncGenerator[bytes]:
    """Pass events on, and log when the first and the last one came, in seconds from now."""
    started = time.perf_counter()
    first = last = None
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                last = round(time.perf_counter() - started, 4)
                if first is None:
                    first = last
                yield event
    finally:
        log.note(time_to_first_token_s=first, time_to_last_token_s=last)
