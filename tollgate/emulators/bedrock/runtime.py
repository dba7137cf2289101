"""The operations of bedrock-runtime that take a model's own body: InvokeModel and its streaming form."""

from __future__ import annotations

import json
import time
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from tollgate.emulators.bedrock import eventstream
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.faults import ConnectionBrokenError, Step
from tollgate.emulators.bedrock.http import check_signing_region, json_answer, parse_object, read_json, request_headers
from tollgate.emulators.bedrock.invocation import Invocation, logger, record_error
from tollgate.emulators.bedrock.responses import CutResponse, EventStreamResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from tollgate.emulators.bedrock.models import ImportedModel
    from tollgate.emulators.bedrock.service import Bedrock


_STREAM_EXCEPTIONS = frozenset(
    {
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "serviceUnavailableException",
        "throttlingException",
        "validationException",
    }
)


async def invoke_model(request: Request) -> Response:
    """The operation InvokeModel."""
    started = time.perf_counter()
    invocation = await start_invocation(request)
    try:
        answer = await invocation.whole_answer()
    except ConnectionBrokenError:
        return CutResponse(b"{}", keep=0)
    headers = {
        "x-amzn-bedrock-input-token-count": str(invocation.info.prompt_tokens),
        "x-amzn-bedrock-output-token-count": str(invocation.completion_tokens),
        "x-amzn-bedrock-invocation-latency": str(round((time.perf_counter() - started) * 1000)),
    }
    return _distort(invocation.fault, json_answer(answer, headers=headers))


async def invoke_model_with_response_stream(request: Request) -> Response:
    """The operation InvokeModelWithResponseStream."""
    invocation = await start_invocation(request)
    return EventStreamResponse(
        _chunk_frames(invocation),
        {"content-type": eventstream.CONTENT_TYPE, "x-amzn-bedrock-content-type": "application/json"},
        invocation.model.traffic,
        on_error=partial(record_error, invocation.model),
    )


def find_model(request: Request) -> ImportedModel:
    """The model that the path names; raises ServiceError when it may not be invoked."""
    bedrock: Bedrock = request.app.state.bedrock
    check_signing_region(request, bedrock.settings.region)
    model_id = request.path_params["modelId"]
    try:
        return bedrock.invocable(model_id)
    except ServiceError as error:
        logger.warning("Bedrock refuses a request to %s: %s", model_id[:200], error.message)
        raise


async def start_invocation(request: Request) -> Invocation:
    """Check the request, count it, and prepare the invocation.

    Raises:
        ServiceError: the model may not be invoked, or not with this body.
    """
    model = find_model(request)
    text = await read_json(request)
    body = parse_object(text)
    model.traffic.invocations += 1
    request.app.state.bedrock.note_body(model, text)
    try:
        return Invocation(model, body)
    except ServiceError as error:
        record_error(model, error)
        raise


def stream_exception(error: ServiceError, members: frozenset[str] = _STREAM_EXCEPTIONS) -> bytes:
    """The frame of an error inside a stream. Errors that have no shape there become one that has."""
    name = error.code[0].lower() + error.code[1:]  # the members of the stream are written in lowerCamel
    if name not in members:
        name = "modelStreamErrorException" if name.startswith("model") else "internalServerException"
    return eventstream.exception(name, {"message": error.message, **error.fields})


async def _chunk_frames(invocation: Invocation) -> AsyncGenerator[bytes]:
    """Yield the frames of an answer. An error before the first frame is raised; a later one is the last frame."""
    raw, left = invocation.fault.raw_body, invocation.fault.truncate_bytes
    begun = False
    try:
        async with aclosing(invocation.chunks()) as chunks:
            async for chunk in chunks:
                data = json.dumps(chunk, separators=(",", ":")) if raw is None else raw
                frame = eventstream.chunk(data.encode())
                begun = True
                if left is None:
                    yield frame
                    continue
                yield frame[:left]
                left -= len(frame)
                if left <= 0:
                    raise ConnectionBrokenError
    except ServiceError as error:
        if not begun:
            raise
        record_error(invocation.model, error)
        yield stream_exception(error)


def _distort(fault: Step, response: Response) -> Response:
    """Spoil a good answer as its fault says."""
    if fault.raw_body is not None:
        response = Response(fault.raw_body, headers=request_headers() | {"content-type": "application/json"})
    if fault.truncate_bytes is not None:
        return CutResponse(bytes(response.body), fault.truncate_bytes)
    return response


OPERATIONS = {
    "InvokeModel": invoke_model,
    "InvokeModelWithResponseStream": invoke_model_with_response_stream,
}
