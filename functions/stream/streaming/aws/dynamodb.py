"""Reads the model table in DynamoDB.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
"""

from __future__ import annotations

import asyncio

from streaming.aws.connections import HttpError
from streaming.aws.service import Endpoint, read_failure
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.json_text import parse_json, to_json

_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
# GetItem takes some milliseconds: after two seconds a new attempt is the better bet.
_TIMEOUT_S = 2.0
# The step path's name of this step, by which `from_upstream` tells the table's failures from the model's.
_STATE = "ResolveModel"


class TableRecords:
    """Model records as items of a DynamoDB table."""

    def __init__(self, service: Endpoint, table: str) -> None:
        self._service = service
        self._table = table

    async def get(self, name: str) -> str | None:
        """See `interfaces.Records`. A failure that may pass is tried again once, since reading changes nothing."""
        body = to_json({"TableName": self._table, "Key": {"model": {"S": name}}}).encode()
        try:
            return await self._get_item(body)
        except ApiError as error:
            if error.code != "model_unavailable":
                raise
        return await self._get_item(body)

    async def _get_item(self, body: bytes) -> str | None:
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._service.post("/", _HEADERS, body) as response:
                if response.status != 200:
                    failure = await read_failure(response)
                    raise from_upstream(f"DynamoDB.{failure.name}", state=_STATE)
                return _record_in(await response.read())
        except TimeoutError as error:
            raise from_upstream("DynamoDB.ReadTimeoutError", state=_STATE) from error
        except HttpError as error:
            raise from_upstream("DynamoDB.EndpointConnectionError", state=_STATE) from error


def _record_in(body: bytes) -> str | None:
    """Return the string in the item's `record`, which is what the step path's state machine reads too.

    The body is `{"Item": {"record": {"S": "…"}, …}}`, or `{}` if there is no such item.
    """
    try:
        item = parse_json(body).get("Item", {})
        record = item.get("record", {}).get("S")
    except (AttributeError, ValueError) as error:
        raise from_upstream("DynamoDB.SdkClientException", state=_STATE) from error
    return record if isinstance(record, str) else None
