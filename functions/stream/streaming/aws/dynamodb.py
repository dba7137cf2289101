"""The model table in DynamoDB.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
"""

from __future__ import annotations

import asyncio
import json

from streaming.aws.http_client import HttpError
from streaming.aws.service import Endpoint, error_name
from tollgate_layer.inference.failures.errors import ApiError, to_json
from tollgate_layer.inference.failures.upstream import from_upstream

_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
_TIMEOUT_S = 2.0
_ATTEMPTS = 2


class TableRecords:
    """Model records, as items of the model table."""

    def __init__(self, service: Endpoint, table: str) -> None:
        self._service = service
        self._table = table

    async def get(self, name: str) -> str | None:
        """See `ports.Records`; a failure that may pass is tried again once."""
        body = to_json({"TableName": self._table, "Key": {"model": {"S": name}}}).encode()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._get_item(body)
            except ApiError as error:
                if error.code != "model_unavailable" or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _get_item(self, body: bytes) -> str | None:
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._service.post("/", _HEADERS, body) as answer:
                if answer.status != 200:
                    raise from_upstream(f"DynamoDB.{await error_name(answer)}", state="ResolveModel")
                return _record_in(await answer.read())
        except TimeoutError as error:
            raise from_upstream("DynamoDB.ReadTimeoutError", state="ResolveModel") from error
        except HttpError as error:
            raise from_upstream("DynamoDB.EndpointConnectionError", state="ResolveModel") from error


def _record_in(answer: bytes) -> str | None:
    """The same as the step path reads: the string in the item's `record`."""
    try:
        record = json.loads(answer).get("Item", {}).get("record", {}).get("S")
    except (AttributeError, ValueError) as error:
        raise from_upstream("DynamoDB.SdkClientException", state="ResolveModel") from error
    return record if isinstance(record, str) else None
