"""Starts shadows: executions of the state machine that nobody waits for. Imported with the first request that has one.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import asyncio

from streaming.aws.connections import HttpError
from streaming.aws.service import Endpoint
from tollgate_layer.inference.json_text import JsonObject, to_json

_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AWSStepFunctions.StartExecution"}
_TIMEOUT_S = 1.0


class MachineShadows:
    """See `interfaces.Shadows`."""

    def __init__(self, service: Endpoint, machine: str) -> None:
        self._service = service
        self._machine = machine

    async def start(self, request: JsonObject) -> None:
        """See `interfaces.Shadows`."""
        body = to_json({"stateMachineArn": self._machine, "input": to_json(request)}).encode()
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._service.post("/", _HEADERS, body) as response:
                await response.read()
        except (HttpError, TimeoutError):
            return
