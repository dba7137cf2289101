"""Serves the REST API as an ASGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.emulators.api_gateway.messages import ApiRequest, ApiResponse, ApiSettings, new_context
from tollgate.emulators.api_gateway.refusals import PAYLOAD_LIMIT_BYTES, GatewayResponses, RefusalError
from tollgate.emulators.api_gateway.streaming import StreamingIntegration

if TYPE_CHECKING:
    from tollgate.emulators.api_gateway.operation import Operation
    from tollgate.emulators.api_gateway.routes import RouteTable

_THREADS = 128

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class RequestObserver(Protocol):
    """A listener that is told of every answered request; `problem` says what went wrong inside, if anything did."""

    def request(
        self, method: str, path: str, status: int, seconds: float, problem: str | None, request_id: str = ""
    ) -> None: ...


class Gateway:
    """Routes, admits and answers requests. Everything that blocks runs in threads."""

    def __init__(
        self,
        routes: RouteTable[Operation],
        responses: GatewayResponses,
        settings: ApiSettings,
        observer: RequestObserver,
        speed: float = 1.0,
    ) -> None:
        self._routes = routes
        self._responses = responses
        self._settings = settings
        self._observer = observer
        self._speed = speed
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def close(self) -> None:
        """Start no more work for requests; work that runs already ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for operation in self._routes:
            if isinstance(operation.integration, StreamingIntegration):
                await operation.integration.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = time.perf_counter()
        request = _request(scope)
        context = new_context(request, self._settings, "")
        status, problem = 500, None
        try:
            status, problem = await self._respond_or_refuse(request, context, receive, send)
        finally:
            seconds = time.perf_counter() - started_s
            self._observer.request(request.method, request.path, status, seconds, problem, context["requestId"])

    async def _respond_or_refuse(
        self, request: ApiRequest, context: dict[str, Any], receive: Receive, send: Send
    ) -> tuple[int, str | None]:
        try:
            return await self._respond(request, context, receive, send)
        except RefusalError as error:
            refusal = error
        except Exception as error:
            # A defect of the runner: its user is told of it, and the client gets an answer all the same.
            refusal = RefusalError("API_CONFIGURATION_ERROR")
            refusal.__cause__ = error
        response = self._responses.render(refusal, request, context)
        await _send(response, context, send)
        return response.status, _problem(refusal)

    async def _respond(
        self, request: ApiRequest, context: dict[str, Any], receive: Receive, send: Send
    ) -> tuple[int, str | None]:
        request.body = await _read_body(receive)
        found = self._routes.find(request.method, request.path)
        if found is None:
            raise RefusalError("MISSING_AUTHENTICATION_TOKEN")
        operation, request.path_parameters = found
        context["resourcePath"] = operation.resource_path
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, operation.admit, request, context)
        integration = operation.integration
        if isinstance(integration, StreamingIntegration):
            return await integration.stream(request, context, receive, send)
        answer = loop.run_in_executor(self._threads, integration.respond, request, context)
        try:
            # The execution goes on when API Gateway has stopped waiting for it.
            response = await asyncio.wait_for(asyncio.shield(answer), integration.timeout_s / self._speed)
        except TimeoutError:
            raise RefusalError("INTEGRATION_TIMEOUT") from None
        await _send(response, context, send)
        return response.status, None


def _request(scope: Scope) -> ApiRequest:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client") or ("127.0.0.1", 0)
    return ApiRequest(
        scope["method"],
        path.split(b"?")[0].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        # White space around a value is no part of it, and servers differ in whether they take it off (RFC 9110, 5.5).
        [(name.decode("latin-1"), value.decode("latin-1").strip(" \t")) for name, value in scope["headers"]],
        b"",
        client[0],
    )


async def _read_body(receive: Receive) -> bytes:
    """Read the whole body. One that is too large is read to its end too, else the client would miss the answer."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        size += len(message.get("body", b""))
        if size <= PAYLOAD_LIMIT_BYTES:
            chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    if size > PAYLOAD_LIMIT_BYTES:
        raise RefusalError("REQUEST_TOO_LARGE")
    return b"".join(chunks)


async def _send(response: ApiResponse, context: dict[str, Any], send: Send) -> None:
    headers = {**response.headers, "Content-Length": str(len(response.body)), "x-amzn-RequestId": context["requestId"]}
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})


def _problem(refusal: RefusalError) -> str | None:
    """The cause of a refusal that is not the client's mistake; None for one that is."""
    cause = refusal.__cause__
    return f"{refusal.type}: {cause}" if cause is not None else None
