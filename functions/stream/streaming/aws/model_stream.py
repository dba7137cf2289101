"""Reads a model's answer in event-stream framing: what Bedrock's and SageMaker's runtimes have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from streaming.aws.connections import ConnectionClosedError, HttpError
from streaming.aws.event_stream import EventStreamError, Frame, FrameReader
from streaming.aws.http_response import HttpResponse
from streaming.aws.service import connection_failure, read_failure
from tollgate_layer.inference.failures.errors import AnswerError, ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.json_text import parse_json

# botocore's name for a stream that is cut off or damaged.
_BROKEN_STREAM = "ResponseStreamingError"


class Runtime(NamedTuple):
    """How a service tells of its model."""

    prefix: str
    """What `failures/upstream.py` of the layer puts before the names of its errors."""
    event_type: str
    """The frames with what the model said; others are skipped."""


async def model_events(
    answer: AbstractAsyncContextManager[HttpResponse], runtime: Runtime, parse: Callable[[bytes], Iterable[Any]]
) -> AsyncGenerator[list[Any]]:
    """Yield the events of an answer, see `interfaces.Model.stream`; `parse` reads those that a payload completes."""
    begun = False
    try:
        async with answer as response:
            await check_status(response, runtime)
            begun = True
            frames = FrameReader()
            async for data in response:
                events, failure = _read_events(frames, data, runtime, parse)
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


async def check_status(response: HttpResponse, runtime: Runtime) -> None:
    """Raise the ApiError for a response that is no success."""
    if response.status != 200:
        failure = await read_failure(response)
        raise from_upstream(runtime.prefix + failure.name, cause=failure.message)


def parse_answer(data: bytes) -> Any:
    """Parse JSON of a model's. Raises AnswerError when it is none."""
    try:
        return parse_json(data)
    except ValueError as error:
        raise AnswerError from error


def _read_events(
    frames: FrameReader, data: bytes, runtime: Runtime, parse: Callable[[bytes], Iterable[Any]]
) -> tuple[list[Any], ApiError | None]:
    """Parse the events that `data` completes.

    A failure is returned beside the events before it. Raised, it would take them along, and the client would not get
    tokens that the model gave before it failed.
    """
    events: list[Any] = []
    try:
        for frame in frames.feed(data):
            _raise_error_in(frame, runtime)
            if frame.headers.get(":event-type") == runtime.event_type:
                events.extend(parse(frame.payload))
    except EventStreamError:
        return events, from_upstream(_BROKEN_STREAM)
    except ApiError as failure:
        return events, failure
    return events, None


def _raise_error_in(frame: Frame, runtime: Runtime) -> None:
    """Raise the ApiError for a frame that ends the stream with an error.

    An `exception` is one of the operation's own, an `error` any other of the service's.
    """
    message_type = frame.headers.get(":message-type")
    if message_type == "exception":
        # The payload is a JSON object with the exception's message.
        cause = frame.payload.decode(errors="replace")
        raise from_upstream(runtime.prefix + frame.headers.get(":exception-type", ""), cause=cause)
    if message_type == "error":
        raise from_upstream(runtime.prefix + frame.headers.get(":error-code", ""))
