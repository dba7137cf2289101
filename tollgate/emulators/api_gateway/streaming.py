"""The integration `aws_proxy` with `responseTransferMode: STREAM`: the function's bytes go to the client as they come.

https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.integration import integration_timeout_s
from tollgate.emulators.api_gateway.refusals import RefusalError
from tollgate.emulators.lambda_functions import EVENT_LIMIT_BYTES, FunctionError, WebFunction
from tollgate.stack.definitions import refuse_others

if TYPE_CHECKING:
    import httpx

    from tollgate.emulators.api_gateway.messages import ApiRequest

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_FIELDS = {"type", "httpMethod", "uri", "credentials", "passthroughBehavior", "timeoutInMillis", "responseTransferMode"}
# Less than servers keep idle connections, so that a request never meets one that is being closed.
_KEEP_IDLE_S = 1.0
_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class StreamingIntegration:
    """Passes requests to a web function, and its answers to the client without buffering them.

    Raises:
        DefinitionError: the integration uses something that is not implemented.
    """

    def __init__(self, definition: dict[str, Any], function: WebFunction, place: str) -> None:
        refuse_others(definition, _FIELDS, place, "the integration's ")
        self.timeout_s = integration_timeout_s(definition)
        self._function = function
        self._client: httpx.AsyncClient | None = None

    async def stream(
        self, request: ApiRequest, context: dict[str, Any], receive: Receive, send: Send
    ) -> tuple[int, str | None]:
        """Answer through `send`; returns the status, and why the answer broke off if it did.

        Raises:
            RefusalError: before the first byte: the body is too large, or the function fails or is too slow.
        """
        # The function gets the body as a JSON string in its event.
        if len(json.dumps(request.body.decode("utf-8", "replace"))) > EVENT_LIMIT_BYTES:
            raise RefusalError("REQUEST_TOO_LARGE")
        deadline_s = asyncio.get_running_loop().time() + self.timeout_s
        response = await self._open(request, context, deadline_s)
        work = asyncio.ensure_future(_forward(response, context, send, deadline_s))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return response.status_code, "the client went away"
            # Before the client hears of it, and sends its next request.
            await self._find_out_who_broke_it(work.exception())
            return response.status_code, _problem(work.exception())
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
            await response.aclose()

    async def close(self) -> None:
        """Drop the kept connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _open(self, request: ApiRequest, context: dict[str, Any], deadline_s: float) -> httpx.Response:
        import httpx  # a quarter of a second that a stack without streams need not wait for

        try:
            async with asyncio.timeout_at(deadline_s):
                try:
                    return await self._send(request, context)
                except httpx.ConnectError as error:
                    # The application has ended since its last answer. Nobody took the connection, so nobody has begun
                    # with this request, and it may be sent again. That holds of no other failure.
                    await self._find_out_who_broke_it(error)
                    return await self._send(request, context)
        except TimeoutError as error:
            raise RefusalError("INTEGRATION_TIMEOUT") from error
        except (FunctionError, httpx.HTTPError) as error:
            await self._find_out_who_broke_it(error)
            raise RefusalError("INTEGRATION_FAILURE") from error

    async def _find_out_who_broke_it(self, error: BaseException | None) -> None:
        """Replace the application if a connection broke because it is ending."""
        import httpx

        if isinstance(error, httpx.TransportError):
            url = error.request.url
            origin = f"{url.scheme}://{url.netloc.decode()}"
            await asyncio.get_running_loop().run_in_executor(None, self._function.connection_broke, origin)

    async def _send(self, request: ApiRequest, context: dict[str, Any]) -> httpx.Response:
        url = await asyncio.get_running_loop().run_in_executor(None, self._function.url)
        outgoing = self._http().build_request(
            request.method,
            url + request.path + (f"?{request.query}" if request.query else ""),
            headers=_request_headers(request, context),
            # The function gets the body as text in its event: bytes that are no UTF-8 do not reach it as they were.
            content=request.body.decode("utf-8", "replace").encode(),
        )
        return await self._http().send(outgoing, stream=True)

    def _http(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=_KEEP_IDLE_S)
            self._client = httpx.AsyncClient(timeout=None, limits=limits, trust_env=False)  # noqa: S113
        return self._client


async def _forward(response: httpx.Response, context: dict[str, Any], send: Send, deadline_s: float) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": _response_headers(response, context),
        }
    )
    async with asyncio.timeout_at(deadline_s):
        async for chunk in _raw(response):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _problem(error: BaseException | None) -> str | None:
    """Why an answer broke off after its first byte, which the client sees only as a broken connection."""
    if error is None:
        return None
    return f"the answer broke off: {type(error).__name__} {error}".rstrip()


async def _raw(response: httpx.Response) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_raw():
        yield chunk


async def _disconnected(receive: Receive) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass


def _request_headers(request: ApiRequest, context: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """The client's headers, and the request context as the adapter passes it on.

    Of a repeated header the last value counts, as in mapping templates. Values are bytes: a client's need not be ASCII.
    """
    kept = {}
    for name, value in request.headers:
        if name.lower() not in _HOP_BY_HOP:
            kept[name.lower().encode("latin-1")] = value.encode("latin-1")
    kept[b"x-amzn-request-context"] = json.dumps(context).encode()
    return list(kept.items())


def _response_headers(response: httpx.Response, context: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    dropped = _HOP_BY_HOP | {"date", "server"}  # the runner's own server sends these
    kept = [(name, value) for name, value in response.headers.raw if name.decode().lower() not in dropped]
    return [*kept, (b"x-amzn-requestid", context["requestId"].encode())]
