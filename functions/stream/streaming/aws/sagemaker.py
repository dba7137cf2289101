"""Invokes models on SageMaker endpoints: InvokeEndpoint and InvokeEndpointWithResponseStream.

Only records that name an endpoint need this module, which is imported with the first of their requests.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import quote

from streaming.aws.bedrock import parse_answer
from streaming.aws.connections import ConnectionClosedError, HttpError
from streaming.aws.event_stream import EventStreamError, Frame, FrameReader
from streaming.aws.http_response import HttpResponse
from streaming.aws.service import Endpoint, connection_failure, read_failure
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.json_text import to_json
from tollgate_layer.inference.pipeline.before_model import Invocation

_BROKEN_STREAM = "ResponseStreamingError"
_PREFIX = "SageMakerRuntime."
_HEADERS = {"content-type": "application/json", "accept": "application/json"}
# The accepted type has a header of its own here, since `accept` would be the event stream's.
_STREAM_HEADERS = {"content-type": "application/json", "x-amzn-sagemaker-accept": "application/json"}
_MEMBERS = {
    "InferenceComponentName": "x-amzn-sagemaker-inference-component",
    "TargetVariant": "x-amzn-sagemaker-target-variant",
}
_DATA = b"data:"
_DONE = b"[DONE]"
_OTHER_FIELDS = (b":", b"event:", b"id:", b"retry:")


class SageMakerModel:
    """Models on SageMaker endpoints."""

    def __init__(self, service: Endpoint) -> None:
        self._service = service

    async def invoke(self, invocation: Invocation) -> Any:
        """See `interfaces.Model`."""
        try:
            path, headers = _address(invocation, "invocations", _HEADERS)
            async with self._service.post(path, headers, to_json(invocation.body).encode()) as response:
                await _check_status(response)
                return parse_answer(await response.read())
        except HttpError as error:
            raise connection_failure(error) from error

    async def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `interfaces.Model`.

        Unlike Bedrock, a container streams only if its body says so; one of OpenAI's shapes counts tokens only if it is
        told to, and one that takes `inputs` does not know that field.
        """
        body = {**invocation.body, "stream": True}
        if "inputs" not in body:
            body["stream_options"] = {"include_usage": True}
        path, headers = _address(invocation, "invocations-response-stream", _STREAM_HEADERS)
        begun = False
        try:
            async with self._service.post(path, headers, to_json(body).encode()) as response:
                await _check_status(response)
                begun = True
                frames, lines = FrameReader(), EventLines()
                async for data in response:
                    events, failure = _read_events(frames, lines, data)
                    if events:
                        yield events
                    if failure:
                        raise failure
                if frames.inside_a_frame:
                    raise from_upstream(_BROKEN_STREAM)
        except ConnectionClosedError as error:
            raise from_upstream(_BROKEN_STREAM if begun else "ConnectionClosedError") from error
        except HttpError as error:
            raise connection_failure(error) from error


class EventLines:
    """The events in a container's own stream, whose bytes the service cuts into parts anywhere.

    They are server-sent events (`data: {…}`), or lines of JSON.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the events that `data` completes, parsed.

        Raises:
            AnswerError: a line holds something else than JSON.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(_OTHER_FIELDS):
                continue
            text = line.removeprefix(_DATA).strip()
            if text and text != _DONE:
                yield parse_answer(text)


def _read_events(frames: FrameReader, lines: EventLines, data: bytes) -> tuple[list[Any], ApiError | None]:
    """The events that `data` completes, and the failure after them, if there is one."""
    events: list[Any] = []
    try:
        for frame in frames.feed(data):
            _raise_error_in(frame)
            if frame.headers.get(":event-type") == "PayloadPart":
                events.extend(lines.feed(frame.payload))
    except EventStreamError:
        return events, from_upstream(_BROKEN_STREAM)
    except ApiError as failure:
        return events, failure
    return events, None


async def _check_status(response: HttpResponse) -> None:
    """Raise the ApiError for a response that is no success."""
    if response.status != 200:
        failure = await read_failure(response)
        raise from_upstream(_PREFIX + failure.name, cause=failure.message)


def _raise_error_in(frame: Frame) -> None:
    """Raise the ApiError for a frame that ends the stream with an error."""
    if frame.headers.get(":message-type") == "exception":
        raise from_upstream(_PREFIX + frame.headers.get(":exception-type", ""))
    if frame.headers.get(":message-type") == "error":
        raise from_upstream(_PREFIX + frame.headers.get(":error-code", ""))


def _address(invocation: Invocation, operation: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The path and the headers of an invocation."""
    endpoint = invocation.endpoint or {}
    named = {_MEMBERS[member]: value for member, value in endpoint.items() if member in _MEMBERS}
    return f"/endpoints/{quote(endpoint['EndpointName'], safe='')}/{operation}", {**headers, **named}
