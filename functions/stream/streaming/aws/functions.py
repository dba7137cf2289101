"""Calls Lambda functions: the team's hooks. Only records that name some need this module, imported when one is called.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from streaming.aws.connections import HttpError
from streaming.aws.service import Endpoint, connection_failure, read_failure
from tollgate_layer.inference.hooks.contract import HookCall, HookReport
from tollgate_layer.inference.json_text import parse_json, to_json

_HEADERS = {"content-type": "application/json", "x-amz-invocation-type": "RequestResponse"}
_PASSING = ("TooManyRequestsException", "ServiceException", "EndpointConnectionError")
"""Failures of Lambda's, not of the function's, that are worth one more call; the state machine retries the same."""


class LambdaFunctions:
    """The functions of an account's Region. See `interfaces.Functions`."""

    def __init__(self, service: Endpoint) -> None:
        self._service = service

    async def call(self, call: HookCall, body: str) -> HookReport:
        """See `interfaces.Functions`."""
        event = {**call.event, "body": body, "deadline_ms": int(call.timeout_s * 1000)}
        payload = to_json(event).encode()
        try:
            async with asyncio.timeout(call.timeout_s):
                report = await self._once(call.function, payload)
                if report.failure in _PASSING:
                    report = await self._once(call.function, payload)
        except TimeoutError:
            return HookReport(failure="ReadTimeoutError")
        return report

    async def _once(self, function: str, payload: bytes) -> HookReport:
        path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
        try:
            async with self._service.post(path, _HEADERS, payload) as response:
                if response.status != 200:
                    return HookReport(failure=(await read_failure(response)).name)
                result = _parsed(await response.read())
                if "x-amz-function-error" in response.headers:
                    return HookReport(failure=_error_type(result))
                return HookReport(answer=result)
        except HttpError as error:
            return HookReport(failure=connection_failure(error).upstream)


def _parsed(body: bytes) -> Any:
    """What the function returned; None, which no hook may answer, where that is no JSON."""
    try:
        return parse_json(body)
    except ValueError:
        return None


def _error_type(result: Any) -> str:
    """The class of the exception that a function raised, or Lambda's name for its end."""
    name = result.get("errorType") if isinstance(result, dict) else None
    return name if isinstance(name, str) and name else "Unhandled"
