"""The events of a streamed response.

Every item of the output is announced, grows by deltas, and is given once more when it is whole.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from tollgate_layer.inference.backends.body_format import CallPiece, Usage
from tollgate_layer.inference.completion import Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import openai
from tollgate_layer.inference.dialects.response_object import (
    call_item,
    message_item,
    reasoning_item,
    response_object,
    status_of,
    text_logprobs,
    text_part,
)
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject


class ResponseEvents:
    """Writes the events of one response.

    One item with text is open at a time, and ends where another kind of text or a call begins. Calls stay open to the
    end, because models may write several of them by turns.
    """

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._sequence_number = 0
        self._output: list[JsonObject] = []
        self._open: _OpenText | None = None
        self._calls: dict[int | None, _OpenCall] = {}
        self._finish_reason: str | None = None

    def write(self, delta: Delta) -> bytes:
        events = self._begin()
        if delta.reasoning:
            events += self._grow("reasoning", delta.reasoning)
        if delta.content or delta.logprobs:
            events += self._grow("output_text", delta.content or "", delta.logprobs)
        if delta.refusal:
            events += self._grow("refusal", delta.refusal)
        for piece in delta.calls:
            events += self._call(piece)
        if delta.finish_reason is not None:
            self._finish_reason = delta.finish_reason
            events += self._close_all()
        return events

    def end(self, usage: Usage) -> bytes:
        response = response_object(self._spec, self._output, self._finish_reason, usage)
        return self._begin() + self._event(f"response.{response['status']}", response=response)

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """Two events: OpenAI's SDKs raise at `error`, and others wait for `response.failed`."""
        told = {"code": error.code, "message": error.message}
        response = response_object(self._spec, self._output, None, Usage(), status="failed", error=told)
        events = self._begin() + self._event("response.failed", response=response)
        return events + self._event("error", **told, param=error.param, **error.body(request_id))

    def _event(self, kind: str, **fields: object) -> bytes:
        event = {"type": kind, "sequence_number": self._sequence_number, **fields}
        self._sequence_number += 1
        return openai.event(event, kind)

    def _begin(self) -> bytes:
        if self._sequence_number > 0:
            return b""
        response = response_object(self._spec, [], None, Usage(), status="in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _grow(self, kind: str, text: str, logprobs: JsonObject | None = None) -> bytes:
        """Add to the open text, or begin one of this kind."""
        events = b""
        if self._open is None or self._open.kind != kind:
            events += self._close_text()
            events += self._open_text(kind)
        assert self._open is not None
        self._open.pieces.append(text)
        place = self._open.place
        if kind == "reasoning":
            return events + self._event("response.reasoning_text.delta", **place, delta=text)
        if kind == "refusal":
            return events + self._event("response.refusal.delta", **place, delta=text)
        likely = text_logprobs(logprobs, self._spec)
        self._open.logprobs += likely
        return events + self._event("response.output_text.delta", **place, delta=text, logprobs=likely)

    def _open_text(self, kind: str) -> bytes:
        index = len(self._output)
        if kind == "reasoning":
            item = reasoning_item(self._spec, index, None)
        else:
            item = message_item(self._spec, index, [], "in_progress")
        self._output.append(item)
        self._open = _OpenText(kind, {"item_id": item["id"], "output_index": index, "content_index": 0})
        events = self._event("response.output_item.added", output_index=index, item=item)
        if kind == "reasoning":
            return events
        return events + self._event("response.content_part.added", **self._open.place, part=_part(kind, "", []))

    def _close_text(self, status: str = "completed") -> bytes:
        """End the open text, if there is one: its whole text, its whole part, its whole item."""
        if self._open is None:
            return b""
        opened, self._open = self._open, None
        index, text = opened.place["output_index"], "".join(opened.pieces)
        if opened.kind == "reasoning":
            item = reasoning_item(self._spec, index, text)
            events = self._event("response.reasoning_text.done", **opened.place, text=text)
        else:
            part = _part(opened.kind, text, opened.logprobs)
            item = message_item(self._spec, index, [part], status)
            if opened.kind == "refusal":
                events = self._event("response.refusal.done", **opened.place, refusal=text)
            else:
                logprobs = opened.logprobs
                events = self._event("response.output_text.done", **opened.place, text=text, logprobs=logprobs)
            events += self._event("response.content_part.done", **opened.place, part=part)
        self._output[index] = item
        return events + self._event("response.output_item.done", output_index=index, item=item)

    def _call(self, piece: CallPiece) -> bytes:
        """Add to a call, or begin one: its first piece has its id and name."""
        events = b""
        call = self._calls.get(piece.position)
        if call is None:
            events += self._close_text()
            index = len(self._output)
            item = call_item(self._spec, index, piece.id, piece.name, "", "in_progress")
            self._output.append(item)
            call = self._calls[piece.position] = _OpenCall(index, piece.id, piece.name)
            events += self._event("response.output_item.added", output_index=index, item=item)
        if piece.arguments:
            call.arguments.append(piece.arguments)
            place = {"item_id": self._output[call.index]["id"], "output_index": call.index}
            events += self._event("response.function_call_arguments.delta", **place, delta=piece.arguments)
        return events

    def _close_all(self) -> bytes:
        status = status_of(self._finish_reason)
        events = b""
        if all(item["type"] == "reasoning" for item in self._output):  # an answer without a word is still a message
            events += self._close_text() + self._open_text("output_text")
        events += self._close_text(status)
        for call in self._calls.values():
            is_last = call.index == len(self._output) - 1
            item = call_item(
                self._spec,
                call.index,
                call.id,
                call.name,
                "".join(call.arguments),
                status if is_last else "completed",
            )
            self._output[call.index] = item
            place = {"item_id": item["id"], "output_index": call.index}
            events += self._event(
                "response.function_call_arguments.done", **place, name=call.name, arguments=item["arguments"]
            )
            events += self._event("response.output_item.done", output_index=call.index, item=item)
        return events


class _OpenText:
    """An item with text that is still growing; `place` is how its events name it."""

    def __init__(self, kind: str, place: JsonObject) -> None:
        self.kind = kind
        self.place = place
        self.pieces: list[str] = []
        self.logprobs: list[JsonObject] = []


class _OpenCall:
    """A call that is still growing, at its place in the output."""

    def __init__(self, index: int, call_id: str | None, name: str | None) -> None:
        self.index = index
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []


def _part(kind: str, text: str, logprobs: list[JsonObject]) -> JsonObject:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return text_part(text, logprobs)
