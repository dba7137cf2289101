"""The operations Converse and ConverseStream: one request shape for every model that the service lets through.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import json
import time
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock import contract, eventstream
from tollgate.emulators.bedrock.converse_request import to_chat
from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.faults import ConnectionBrokenError
from tollgate.emulators.bedrock.http import json_answer, parse_object, read_json
from tollgate.emulators.bedrock.invocation import Invocation, record_error
from tollgate.emulators.bedrock.responses import CutResponse, EventStreamResponse
from tollgate.emulators.bedrock.runtime import find_model, stream_exception
from tollgate.engines.base import Delta, Token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


async def converse(request: Request) -> Response:
    """The operation Converse."""
    started = time.perf_counter()
    invocation = await _start(request, "Converse")
    try:
        answer = await invocation.whole_answer()
    except ConnectionBrokenError:
        return CutResponse(b"{}", keep=0)
    message = answer["choices"][0]["message"]
    content = [{"text": message["content"]}] if message["content"] else []
    return json_answer(
        {
            "output": {"message": {"role": "assistant", "content": [*content, *_tool_uses(message)]}},
            "stopReason": STOP_REASONS[invocation.answer.finish_reason],
            **_usage(invocation, started),
        }
    )


async def converse_stream(request: Request) -> Response:
    """The operation ConverseStream."""
    invocation = await _start(request, "ConverseStream")
    return EventStreamResponse(
        _frames(invocation),
        {"content-type": eventstream.CONTENT_TYPE},
        invocation.model.traffic,
        on_error=partial(record_error, invocation.model),
    )


OPERATIONS = {"Converse": converse, "ConverseStream": converse_stream}


async def _start(request: Request, operation_name: str) -> Invocation:
    """Check the request, count it, and prepare the invocation.

    Raises:
        ServiceError: the request is not acceptable, or Converse does not serve the model.
    """
    model = find_model(request)
    text = await read_json(request)
    body = parse_object(text)
    operation = contract.service("bedrock-runtime").operation_model(operation_name)
    contract.read_request(operation, request.path_params, request.query_params, body)
    model.traffic.invocations += 1
    request.app.state.bedrock.note_body(model, text)
    try:
        if not model.instruct_supported:
            raise invalid(
                "This action doesn't support the model that you provided. "
                "Try again with a supported text or chat model."
            )
        try:
            chat = to_chat(body)
        except RecursionError as error:
            raise invalid("The request is nested too deeply.") from error
        return Invocation(model, chat, body_format="openai")
    except ServiceError as error:
        record_error(model, error)
        raise


def _tool_uses(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = []
    for call in message["tool_calls"]:
        function = call["function"]
        use = {"toolUseId": call["id"], "name": function["name"], "input": _arguments(function["arguments"])}
        blocks.append({"toolUse": use})
    return blocks


def _arguments(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError as error:
        raise ServiceError("ModelErrorException", "The model wrote tool arguments that are no JSON.") from error


def _usage(invocation: Invocation, started: float) -> dict[str, Any]:
    prompt, completion = invocation.info.prompt_tokens, invocation.completion_tokens
    return {
        "usage": {"inputTokens": prompt, "outputTokens": completion, "totalTokens": prompt + completion},
        "metrics": {"latencyMs": round((time.perf_counter() - started) * 1000)},
    }


async def _frames(invocation: Invocation) -> AsyncGenerator[bytes]:
    """Yield the frames of an answer. An error before the first frame is raised; a later one is the last frame."""
    started, blocks = time.perf_counter(), _Blocks()
    begun = False
    try:
        async with aclosing(invocation.pieces()) as pieces:
            async for _, piece in pieces:
                if not begun:
                    yield eventstream.event("messageStart", {"role": "assistant"})
                    begun = True
                for frame in blocks.frames(piece):
                    yield frame
        if not begun:
            yield eventstream.event("messageStart", {"role": "assistant"})
        for frame in blocks.end():
            yield frame
        yield eventstream.event("messageStop", {"stopReason": STOP_REASONS[invocation.answer.finish_reason]})
        yield eventstream.event("metadata", _usage(invocation, started))
    except ServiceError as error:
        if not begun:
            raise
        record_error(invocation.model, error)
        yield stream_exception(error)


class _Blocks:
    """The content blocks of a streamed message: text, or one tool use. Each block ends before the next begins."""

    def __init__(self) -> None:
        self._index = -1
        self._open: int | str | None = None

    def frames(self, piece: Token | Delta) -> Iterator[bytes]:
        if isinstance(piece, Token):
            if piece.text:
                yield from self._enter("text", None)
                yield self._delta({"text": piece.text})
            return
        for call in piece.fields.get("tool_calls", []):
            function = call.get("function") or {}
            start = {"toolUse": {"toolUseId": call.get("id") or "", "name": function.get("name") or ""}}
            yield from self._enter(call.get("index", 0), start)
            if function.get("arguments"):
                yield self._delta({"toolUse": {"input": function["arguments"]}})

    def end(self) -> Iterator[bytes]:
        if self._open is not None:
            yield eventstream.event("contentBlockStop", {"contentBlockIndex": self._index})
            self._open = None

    def _enter(self, block: int | str, start: dict[str, Any] | None) -> Iterator[bytes]:
        """Make `block` the open one; a text block needs no start event."""
        if block == self._open:
            return
        yield from self.end()
        self._open, self._index = block, self._index + 1
        if start is not None:
            yield eventstream.event("contentBlockStart", {"start": start, "contentBlockIndex": self._index})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return eventstream.event("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._index})
