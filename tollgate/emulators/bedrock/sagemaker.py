"""SageMaker's runtime in front of the same engines: an endpoint is a model of the embedded Bedrock with its name.

Its container speaks what the model's `body_format` says: OpenAI's shapes, as vLLM and LMI do today, or `inputs` as TGI
(`tgi`) or LMI (`lmi`) always did. Whole answers are JSON, streams server-sent events, or lines of JSON from `lmi`.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html
"""

from __future__ import annotations

import json
import uuid
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from tollgate.emulators.bedrock import eventstream
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.faults import ConnectionBrokenError
from tollgate.emulators.bedrock.http import parse_object, read_body
from tollgate.emulators.bedrock.invocation import Invocation, record_error
from tollgate.emulators.bedrock.responses import CutResponse, EventStreamResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from tollgate.emulators.bedrock.service import Bedrock

# Bedrock's names of what may happen to a model, and SageMaker's with their statuses.
_ERRORS = {
    "ModelNotReadyException": ("ModelNotReadyException", 429),
    "ThrottlingException": ("ThrottlingException", 400),
    "InternalServerException": ("InternalFailure", 500),
    "ServiceUnavailableException": ("ServiceUnavailable", 503),
    "ModelErrorException": ("ModelError", 424),
    "ValidationException": ("ModelError", 424),
    "ModelTimeoutException": ("ModelError", 424),
}
_NO_CAPACITY = "ServiceQuotaExceededException"
"""The fault that stands for an endpoint scaled to zero, since no error of Bedrock's has that meaning."""

# Only for streams, and not for a model of Bedrock's.
_OWN_FIELDS = ("stream", "stream_options")
_METRICS = "amazon-bedrock-invocationMetrics"
_PART_BYTES = 64
"""So short that events are cut anywhere, as clients must bear it."""


async def invoke_endpoint(request: Request) -> Response:
    """The operation InvokeEndpoint."""
    try:
        invocation = await _start(request)
        answer = await invocation.whole_answer()
    except ServiceError as error:
        return _refused(error)
    except ConnectionBrokenError:
        return CutResponse(b"{}", keep=0)
    body = invocation.fault.raw_body or json.dumps(answer, ensure_ascii=False)
    headers = {"x-Amzn-Invoked-Production-Variant": "AllTraffic", "x-amzn-requestid": str(uuid.uuid4())}
    return Response(body, 200, headers, media_type="application/json")


async def invoke_endpoint_with_response_stream(request: Request) -> Response:
    """The operation InvokeEndpointWithResponseStream."""
    try:
        invocation = await _start(request)
    except ServiceError as error:
        return _refused(error)
    return EventStreamResponse(
        _parts(invocation),
        {"content-type": eventstream.CONTENT_TYPE, "x-amzn-sagemaker-content-type": "text/event-stream"},
        invocation.model.traffic,
        on_error=partial(record_error, invocation.model),
        refuse=_refused,
    )


async def _start(request: Request) -> Invocation:
    bedrock: Bedrock = request.app.state.bedrock
    name = request.path_params["name"]
    text = await read_body(request)
    try:
        model = bedrock.model(name)
    except KeyError as error:
        raise ServiceError(
            "ResourceNotFoundException", f"Endpoint {name} of account 123456789012 not found."
        ) from error
    body = {key: value for key, value in parse_object(text).items() if key not in _OWN_FIELDS}
    model.traffic.invocations += 1
    request.app.state.bedrock.note_body(model, text)
    try:
        return Invocation(model, body)
    except ServiceError as error:
        record_error(model, error)
        raise


async def _parts(invocation: Invocation) -> AsyncGenerator[bytes]:
    """The frames of an answer, each with some bytes of the container's own stream."""
    begun = False
    try:
        async with aclosing(invocation.chunks()) as chunks:
            async for chunk in chunks:
                begun = True
                chunk.pop(_METRICS, None)
                document = json.dumps(chunk, ensure_ascii=False)
                # LMI writes a line for each, the others server-sent events.
                event = f"{document}\n" if invocation.model.body_format == "lmi" else f"data: {document}\n\n"
                for frame in _frames(event.encode()):
                    yield frame
    except ServiceError as error:
        if not begun:
            raise
        record_error(invocation.model, error)
        yield eventstream.exception("ModelStreamError", {"Message": error.message, "ErrorCode": "ModelError"})
        return
    if invocation.model.body_format == "openai":
        for frame in _frames(b"data: [DONE]\n\n"):
            yield frame


def _frames(data: bytes) -> list[bytes]:
    headers = {":event-type": "PayloadPart", ":content-type": "application/octet-stream", ":message-type": "event"}
    pieces = [data[start : start + _PART_BYTES] for start in range(0, len(data), _PART_BYTES)]
    return [eventstream.frame(headers, piece) for piece in pieces]


def _refused(error: ServiceError) -> Response:
    name, status = _ERRORS.get(error.code, ("ValidationError", 400))
    body: dict[str, Any] = {"Message": error.message}
    if error.code == _NO_CAPACITY:
        body["Message"] = "Inference Component has no capacity to process this request."
    if name == "ModelError":
        whose, status_of_container = ("client", 400) if error.code == "ValidationException" else ("server", 500)
        told = f'Received {whose} error ({status_of_container}) from model with message "{error.message}". See https://'
        body = {"Message": told, "OriginalStatusCode": status_of_container, "OriginalMessage": error.message}
    headers = {"x-amzn-errortype": name, "x-amzn-requestid": str(uuid.uuid4())}
    return Response(json.dumps(body), status, headers, media_type="application/json")


routes = [
    Route("/endpoints/{name}/invocations", invoke_endpoint, methods=["POST"]),
    Route("/endpoints/{name}/invocations-response-stream", invoke_endpoint_with_response_stream, methods=["POST"]),
]
