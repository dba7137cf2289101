"""Invokes models on SageMaker endpoints: InvokeEndpoint and InvokeEndpointWithResponseStream.

Only records that name an endpoint need this module, which is imported with the first of their requests.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import quote

from streaming.aws.connections import HttpError
from streaming.aws.model_stream import Runtime, check_status, model_events, parse_answer
from streaming.aws.service import Endpoint, connection_failure
from tollgate_layer.inference.json_text import to_json
from tollgate_layer.inference.pipeline.before_model import Invocation

_RUNTIME = Runtime(prefix="SageMakerRuntime.", event_type="PayloadPart")
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
                await check_status(response, _RUNTIME)
                return parse_answer(await response.read())
        except HttpError as error:
            raise connection_failure(error) from error

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `interfaces.Model`.

        Unlike Bedrock, a container streams only if its body says so; one of OpenAI's shapes counts tokens only if it is
        told to, and one that takes `inputs` does not know that field.
        """
        body = {**invocation.body, "stream": True}
        if "inputs" not in body:
            body["stream_options"] = {"include_usage": True}
        path, headers = _address(invocation, "invocations-response-stream", _STREAM_HEADERS)
        answer = self._service.post(path, headers, to_json(body).encode())
        return model_events(answer, _RUNTIME, EventLines().feed)


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


def _address(invocation: Invocation, operation: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The path and the headers of an invocation."""
    endpoint = invocation.endpoint or {}
    named = {_MEMBERS[member]: value for member, value in endpoint.items() if member in _MEMBERS}
    return f"/endpoints/{quote(endpoint['EndpointName'], safe='')}/{operation}", {**headers, **named}
