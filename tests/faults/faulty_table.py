"""A stand-in for DynamoDB that fails for models whose name says so, and passes all else on."""

from __future__ import annotations

import asyncio
import json
import re

import httpx
from starlette.requests import Request
from starlette.responses import Response

from tollgate.dev.moto_server import MotoServer
from tollgate.emulators.bedrock.responses import CutResponse
from tollgate.loopback import Server

_FAULT = re.compile(rb"table-(throttled-once|throttled|busy|slow|down|denied)-(\d+)")
_SLOW_S = 2.5
_CODES = {
    "throttled-once": (400, "ProvisionedThroughputExceededException"),
    "throttled": (400, "ThrottlingException"),
    "busy": (500, "InternalServerError"),
    "denied": (400, "AccessDeniedException"),
}


class MotoBehindFaultyTable(MotoServer):
    """moto's server, which the path reaches through a table that fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self._proxy = FaultyTable(self.url)
        self.dynamodb_url = self._proxy.url

    def close(self) -> None:
        self._proxy.close()
        super().close()


class FaultyTable:
    """Answers at `url` instead of the DynamoDB at `real_url`, until `close`."""

    def __init__(self, real_url: str) -> None:
        self._real_url = real_url
        self._seen: set[bytes] = set()
        self._server = Server(self)
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        fault = _FAULT.search(body)
        seen = fault is not None and fault[0] in self._seen
        if fault is None or (fault[1] == b"throttled-once" and seen):
            await (await self._forward(request, body))(scope, receive, send)
            return
        self._seen.add(fault[0])
        if fault[1] == b"down":
            await CutResponse(b"{}", keep=0)(scope, receive, send)
            return
        if fault[1] == b"slow":
            await asyncio.sleep(_SLOW_S)
        await _error(fault[1].decode())(scope, receive, send)

    async def _forward(self, request: Request, body: bytes) -> Response:
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(self._real_url + request.url.path, content=body, headers=headers)
        return Response(answer.content, answer.status_code, {"content-type": answer.headers["content-type"]})


def _error(fault: str) -> Response:
    status, code = _CODES.get(fault, (500, "InternalServerError"))
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "arn:aws:dynamodb secret"}
    return Response(json.dumps(body), status, {"content-type": "application/x-amz-json-1.0"})


async def _live(receive, send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
