"""Invokes models on Amazon Bedrock: InvokeModel and InvokeModelWithResponseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from streaming.aws.connections import HttpError
from streaming.aws.model_stream import Runtime, check_status, model_events, parse_answer
from streaming.aws.service import Endpoint, connection_failure
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.json_text import parse_json, to_json
from tollgate_layer.inference.pipeline.before_model import Invocation

_HEADERS = {"content-type": "application/json", "accept": "application/json"}
# `accept` would be the type of the event stream; the type of the model's own JSON in it has a header of its own.
_STREAM_HEADERS = {"content-type": "application/json", "x-amzn-bedrock-accept": "application/json"}
_RUNTIME = Runtime(prefix="", event_type="chunk")


class BedrockModel:
    """Imported models on Amazon Bedrock."""

    def __init__(self, service: Endpoint) -> None:
        self._service = service

    async def invoke(self, invocation: Invocation) -> Any:
        """See `interfaces.Model`."""
        path = f"/model/{quote(invocation.model_id, safe='')}/invoke"
        try:
            async with self._service.post(path, _HEADERS, _body(invocation)) as response:
                await check_status(response, _RUNTIME)
                return parse_answer(await response.read())
        except HttpError as error:
            raise connection_failure(error) from error

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `interfaces.Model`."""
        path = f"/model/{quote(invocation.model_id, safe='')}/invoke-with-response-stream"
        return model_events(self._service.post(path, _STREAM_HEADERS, _body(invocation)), _RUNTIME, _parse_chunk)


def _body(invocation: Invocation) -> bytes:
    return to_json(invocation.body).encode()


def _parse_chunk(payload: bytes) -> tuple[Any]:
    """Parse the model's JSON in a chunk, which is `{"bytes": "…"}` with base64 inside.

    Inside of it there may be one more of the same: a client of an imported Llama model decodes its chunks twice.
    """
    try:
        chunk = parse_answer(base64.b64decode(parse_json(payload)["bytes"]))
        # `p` is padding, which hides the length of tokens from those who watch the connection.
        if isinstance(chunk, dict) and "bytes" in chunk and chunk.keys() <= {"bytes", "p"}:
            chunk = parse_answer(base64.b64decode(chunk["bytes"]))
        return (chunk,)
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerError from error
