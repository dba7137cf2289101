"""Notes what is streamed: for a hook, until whose answer it may be held back, or to compare it with a shadow's."""

from __future__ import annotations

from streaming.interfaces import Functions
from streaming.whole_event import whole_event
from tollgate_layer.inference import dialects
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Delta, add_up
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.hooks.after import after_call, read_outcome
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.request_log import RequestLog


class NotedStream:
    """An `EventWriter` that stands before the stream's own one, and notes what is streamed."""

    def __init__(self, writer: EventWriter) -> None:
        self._writer = writer
        self.deltas: list[Delta] = []

    def write(self, delta: Delta) -> bytes:
        """The event of a delta."""
        self.deltas.append(delta)
        return self._writer.write(delta)

    def end(self, usage: Usage) -> bytes:
        """The last events."""
        return self._writer.end(usage)

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """The last event of a stream that failed."""
        return self._writer.fail(error, request_id)


class HookedStream(NotedStream):
    """Asks the record's hook when the completion is there, and holds it back until then where the record says so."""

    def __init__(self, writer: EventWriter, spec: CompletionSpec) -> None:
        super().__init__(writer)
        assert spec.after is not None
        self._spec = spec
        self._holds = spec.after["stream"] == "hold"

    def write(self, delta: Delta) -> bytes:
        """The event of a delta, or nothing as yet."""
        if not self._holds:
            return super().write(delta)
        self.deltas.append(delta)
        return b""

    async def ask(
        self, functions: Functions, usage: Usage, incoming: IncomingRequest, key_id: str, log: RequestLog
    ) -> bytes:
        """The stream's last events, when the hook has seen the completion: all of them, where they were held back.

        Raises:
            ApiError: the hook refuses the completion, or failed.
        """
        mode = "hold" if self._holds else "end"
        call = after_call(self._spec, add_up(self.deltas, usage), incoming, key_id, mode)
        report = await functions.call(call, incoming.body)
        outcome = read_outcome(self._spec, report, log, too_late=not self._holds)
        if outcome.response is not None:
            return whole_event(dialects.find(self._spec.dialect), outcome.response)
        held = self.deltas if self._holds else []
        deltas = held if outcome.deltas is None else outcome.deltas
        return b"".join([self._writer.write(delta) for delta in deltas]) + self._writer.end(usage)
