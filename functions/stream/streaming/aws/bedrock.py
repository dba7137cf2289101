"""Amazon Bedrock: InvokeModel and InvokeModelWithResponseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import quote

from streaming.aws.event_stream import EventStreamError, Frame, FrameReader
from streaming.aws.http_client import Answer, ConnectionClosedError, HttpError
from streaming.aws.service import Endpoint, connection_failure, error_name
from streaming.batches import until_failure
from tollgate_layer.inference.failures.errors import AnswerError, to_json
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.invocation import Invocation

_HEADERS = {"content-type": "application/json", "accept": "application/json"}
_STREAM_HEADERS = {"content-type": "application/json", "x-amzn-bedrock-accept": "application/json"}


class BedrockModel:
    """Imported models on Amazon Bedrock."""

    def __init__(self, service: Endpoint) -> None:
        self._service = service

    async def invoke(self, invocation: Invocation) -> Any:
        """See `ports.Model`."""
        path = f"/model/{quote(invocation.model_id, safe='')}/invoke"
        try:
            async with self._service.post(path, _HEADERS, _body(invocation)) as answer:
                await _check_status(answer)
                return _parse(await answer.read())
        except HttpError as error:
            raise connection_failure(error) from error

    async def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `ports.Model`."""
        path = f"/model/{quote(invocation.model_id, safe='')}/invoke-with-response-stream"
        begun = False
        try:
            async with self._service.post(path, _STREAM_HEADERS, _body(invocation)) as answer:
                await _check_status(answer)
                begun = True
                frames = FrameReader()
                async for data in answer:
                    events, failure = until_failure(_events(frames, data))
                    if events:
                        yield events
                    if failure:
                        raise failure
                if frames.inside_a_frame:
                    raise from_upstream("ResponseStreamingError")
        except ConnectionClosedError as error:
            raise from_upstream("ResponseStreamingError" if begun else "ConnectionClosedError") from error
        except HttpError as error:
            raise connection_failure(error) from error


async def _check_status(answer: Answer) -> None:
    if answer.status != 200:
        raise from_upstream(await error_name(answer))


def _body(invocation: Invocation) -> bytes:
    return to_json(invocation.body).encode()


def _events(frames: FrameReader, data: bytes) -> Iterator[Any]:
    """The model's JSON in each chunk that `data` completes; other kinds of events are passed over.

    Raises:
        ApiError: a frame ends the stream with an error, or the bytes are not frames.
    """
    try:
        for frame in frames.feed(data):
            _check_frame(frame)
            if frame.headers.get(":event-type") == "chunk":
                yield _parse_chunk(frame.payload)
    except EventStreamError as error:
        raise from_upstream("ResponseStreamingError") from error


def _check_frame(frame: Frame) -> None:
    kind = frame.headers.get(":message-type")
    if kind == "exception":
        raise from_upstream(frame.headers.get(":exception-type", ""))
    if kind == "error":
        raise from_upstream(frame.headers.get(":error-code", ""))


def _parse_chunk(payload: bytes) -> Any:
    try:
        return _parse(base64.b64decode(json.loads(payload)["bytes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerError from error


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise AnswerError from error
