"""The path of a request: the model's record, the invocation, and the model's answer as the client's."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from streaming.interfaces import Model, Records
from streaming.partial_results import collect_until_failure
from streaming.retries import Retries
from tollgate_layer.inference.body_formats import FORMATS
from tollgate_layer.inference.completion import ChunkWriter
from tollgate_layer.inference.failures.errors import AnswerError, ApiError
from tollgate_layer.inference.invocation import Prepared, Request, model_name, prepare, read_request
from tollgate_layer.inference.observability import Call
from tollgate_layer.inference.reader import CompletionReader
from tollgate_layer.inference.response import Response, respond

_LAST_ATTEMPT_S = 3.0


class StreamingPath:
    """Answers requests; `model_wait_s` is how long a request waits for a model that is not ready."""

    def __init__(self, records: Records, model: Model, model_wait_s: float) -> None:
        self._records = records
        self._model = model
        self._model_wait_s = model_wait_s

    async def prepare(self, request: Request, call: Call) -> Prepared:
        """The invocation for a request.

        Raises:
            ApiError: the request is refused, or the model's record cannot be read.
        """
        document = read_request(request)
        name = model_name(document)
        call.note(model=name)
        prepared = prepare(request, document, await self._records.get(name), time.time())
        call.spec(prepared.spec)
        return prepared

    async def complete(self, prepared: Prepared, call: Call, limit_s: float) -> Response:
        """The whole answer at once; it must be there within `limit_s`.

        Raises:
            ApiError: the model failed, and trying again did not help.
        """
        retries = self._retries(limit_s)
        while True:
            call.note(attempts=retries.attempts)
            try:
                answered = respond(prepared.spec, await self._model.invoke(prepared.invocation))
            except ApiError as failure:
                await retries.wait(failure)
            else:
                call.completion(answered.reader)
                return answered.response

    async def stream(self, prepared: Prepared, call: Call, limit_s: float) -> AsyncGenerator[str]:
        """The answer as server-sent events, as the model gives it; its end must be there within `limit_s`.

        Raises:
            ApiError: the model failed; after the first event nothing is tried again.
        """
        retries = self._retries(limit_s)
        begun = False
        while True:
            call.note(attempts=retries.attempts)
            reader, writer = CompletionReader(prepared.spec), ChunkWriter(prepared.spec)
            try:
                async with aclosing(self._events(prepared, reader, writer)) as events:
                    async for event in events:
                        begun = True
                        yield event
            except ApiError as failure:
                if begun:
                    raise
                await retries.wait(failure)
            else:
                call.completion(reader)
                yield writer.end(reader.usage)
                return
            finally:
                call.note(completion_length=reader.completion_length or None)

    def _retries(self, limit_s: float) -> Retries:
        """So that a model that stays cold is answered as such, and not as a timeout."""
        return Retries(min(self._model_wait_s, limit_s - _LAST_ATTEMPT_S))

    async def _events(self, prepared: Prepared, reader: CompletionReader, writer: ChunkWriter) -> AsyncGenerator[str]:
        """The events of one invocation.

        Raises:
            ApiError: it fails, or ends before the completion does.
        """
        body_format = FORMATS[prepared.spec.body_format]
        async with aclosing(self._model.stream(prepared.invocation)) as batches:
            async for batch in batches:
                deltas = (delta for answer in batch for delta in reader.feed(body_format.read(answer)))
                events, failure = collect_until_failure(map(writer.write, deltas))
                if events:
                    yield "".join(events)
                if failure:
                    raise failure
                if reader.finished and "stop" not in body_format.parameters:
                    break  # at a stop sequence that the model does not know: it would go on
        if not reader.finished:
            raise AnswerError
