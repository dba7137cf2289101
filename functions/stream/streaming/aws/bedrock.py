"""Invokes models on Amazon Bedrock: InvokeModel and InvokeModelWithResponseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from streaming.aws.connections import ConnectionClosedError, HttpError
from streaming.aws.event_stream import EventStreamError, Frame, FrameReader
from streaming.aws.http_response import HttpResponse
from streaming.aws.service import Endpoint, connection_failure, read_failure
from tollgate_layer.inference.failures.errors import AnswerError, ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.json_text import parse_json, to_json
from tollgate_layer.inference.pipeline.before_model import Invocation

_HEADERS = {"content-type": "application/json", "accept": "application/json"}
# `accept` would be the type of the event stream; the type of the model's own JSON in it has a header of its own.
_STREAM_HEADERS = {"content-type": "application/json", "x-amzn-bedrock-accept": "application/json"}
# botocore's name for a stream that is cut off or damaged.
_BROKEN_STREAM = "ResponseStreamingError"


class BedrockModel:
    """Imported models on Amazon Bedrock."""

    def __init__(self, service: Endpoint) -> None:
        self._service = service

    async def invoke(self, invocation: Invocation) -> Any:
        """See `interfaces.Model`."""
        path = f"/model/{quote(invocation.model_id, safe='')}/invoke"
        try:
            async with self._service.post(path, _HEADERS, _body(invocation)) as response:
                await _check_status(response)
                return parse_answer(await response.read())
        except HttpError as error:
            raise connection_failure(error) from error

    async def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `interfaces.Model`."""
        path = f"/model/{quote(invocation.model_id, safe='')}/invoke-with-response-stream"
        begun = False
        try:
            async with self._service.post(path, _STREAM_HEADERS, _body(invocation)) as response:
                await _check_status(response)
                begun = True
                frames = FrameReader()
                async for data in response:
                    events, failure = _read_events(frames, data)
                    if events:
                        yield events
                    if failure:
                        raise failure
                if frames.inside_a_frame:
                    raise from_upstream(_BROKEN_STREAM)
        except ConnectionClosedError as error:
            # Without a response the invocation may be tried again; a stream that breaks off is the model's error.
            raise from_upstream(_BROKEN_STREAM if begun else "ConnectionClosedError") from error
        except HttpError as error:
            raise connection_failure(error) from error


def _body(invocation: Invocation) -> bytes:
    return to_json(invocation.body).encode()


async def _check_status(response: HttpResponse) -> None:
    """Raise the ApiError for a response that is no success."""
    if response.status != 200:
        failure = await read_failure(response)
        raise from_upstream(failure.name, cause=failure.message)


def _read_events(frames: FrameReader, data: bytes) -> tuple[list[Any], ApiError | None]:
    """Parse the events that `data` completes; other kinds of frames than the model's chunks are skipped.

    A failure is returned beside the events before it. Raised, it would take them along, and the client would not get
    tokens that the model gave before it failed.
    """
    events: list[Any] = []
    try:
        for frame in frames.feed(data):
            _raise_error_in(frame)
            if frame.headers.get(":event-type") == "chunk":
                events.append(_parse_chunk(frame.payload))
    except EventStreamError:
        return events, from_upstream(_BROKEN_STREAM)
    except ApiError as failure:
        return events, failure
    return events, None


def _raise_error_in(frame: Frame) -> None:
    """Raise the ApiError for a frame that ends the stream with an error.

    An `exception` is one of the operation's own, an `error` any other of the service's.
    """
    message_type = frame.headers.get(":message-type")
    if message_type == "exception":
        # The payload is a JSON object with the exception's message.
        cause = frame.payload.decode(errors="replace")
        raise from_upstream(frame.headers.get(":exception-type", ""), cause=cause)
    if message_type == "error":
        raise from_upstream(frame.headers.get(":error-code", ""))


def _parse_chunk(payload: bytes) -> Any:
    """Parse the model's JSON in a chunk, which is `{"bytes": "…"}` with base64 inside.

    Inside of it there may be one more of the same: a client of an imported Llama model decodes its chunks twice.
    """
    try:
        chunk = parse_answer(base64.b64decode(parse_json(payload)["bytes"]))
        # `p` is padding, which hides the length of tokens from those who watch the connection.
        if isinstance(chunk, dict) and "bytes" in chunk and chunk.keys() <= {"bytes", "p"}:
            chunk = parse_answer(base64.b64decode(chunk["bytes"]))
        return chunk
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerError from error


def parse_answer(data: bytes) -> Any:
    """Parse JSON of a model's. Raises AnswerError when it is none."""
    try:
        return parse_json(data)
    except ValueError as error:
        raise AnswerError from error
