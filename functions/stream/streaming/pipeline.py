"""The way of a request in one process: record, invocation, and the model's answer as the client's completion.

The steps are the layer's (`tollgate_layer.inference.pipeline`); what is added here is waiting for models that are not
ready, and sending on what a model says while it says it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, NamedTuple

from streaming.interfaces import Model, Records
from streaming.partial_results import collect_until_failure
from streaming.retries import Retries
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter
from tollgate_layer.inference.failures.errors import FALLS_BACK, AnswerError, ApiError
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.pipeline.before_model import Prepared, prepare, read
from tollgate_layer.inference.request import IncomingRequest, Request
from tollgate_layer.inference.request_log import RequestLog
from tollgate_layer.inference.response import Response

# Of the time that a client waits, what is kept for the last attempt to be answered.
_LAST_ATTEMPT_S = 3.0

# How long a stream stays open for the usage, after all choices have ended. Servers send it at once.
_USAGE_WAIT_S = 2.0


class Attempt(NamedTuple):
    """A prepared invocation, and the request and record that it comes from, of which another one may be made."""

    prepared: Prepared
    request: Request
    record: str | None

    def may_fall_back(self, failure: ApiError) -> bool:
        """Whether another variant is to be asked after this failure."""
        return self.prepared.spec.fallback is not None and failure.code in FALLS_BACK

    def fall_back(self, failure: ApiError, log: RequestLog) -> Attempt:
        """The attempt with the variant that the record names for this case.

        Raises:
            ApiError: it cannot be prepared.
        """
        spec = self.prepared.spec
        log.fell_back(spec.model, spec.variant, failure)
        request = self.request._replace(variant=spec.fallback)
        prepared = prepare(request, self.record, time.time())
        log.asked(prepared.spec)
        return Attempt(prepared, request, self.record)


class StreamingPipeline:
    """Answers requests; `model_wait_s` is how long a request waits for a model that is not ready."""

    def __init__(self, records: Records, model: Model, model_wait_s: float) -> None:
        self._records = records
        self._model = model
        self._model_wait_s = model_wait_s

    async def prepare(self, incoming: IncomingRequest, log: RequestLog) -> Attempt:
        """The invocation for a request.

        Raises:
            ApiError: the request is refused, or the model's record cannot be read.
        """
        request = read(incoming)
        log.note(model=request.model)
        record = await self._records.get(request.model)
        prepared = prepare(request, record, time.time())
        log.asked(prepared.spec)
        log.note(unknown_record_fields=prepared.unknown_record_fields or None)
        return Attempt(prepared, request, record)

    def retries(self, limit_s: float) -> Retries:
        """The retries of a request whose answer must be there within `limit_s`.

        They end before the time does, so that a model that stays cold is told as such, not as a timeout.
        """
        return Retries(min(self._model_wait_s, limit_s - _LAST_ATTEMPT_S))

    async def complete(self, attempt: Attempt, log: RequestLog, retries: Retries) -> Response:
        """The whole completion at once.

        Raises:
            ApiError: the model failed, and trying again did not help.
        """
        while True:
            log.note(attempts=retries.attempts)
            started = time.perf_counter()
            prepared = attempt.prepared
            try:
                answer = await self._model.invoke(prepared.invocation)
                model_time_s = _seconds_since(started)
                completed = complete(prepared.spec, answer)
            except ApiError as failure:
                if attempt.may_fall_back(failure):
                    attempt = attempt.fall_back(failure, log)
                else:
                    await retries.wait(failure)
            else:
                log.completed(prepared.spec, completed.outcome, model_time_s)
                return completed.response

    async def stream(
        self, attempt: Attempt, begin: Callable[[CompletionSpec], EventWriter], log: RequestLog, retries: Retries
    ) -> AsyncGenerator[bytes]:
        """The completion as events, as the model's answer comes. `begin` gives the writer for it.

        Raises:
            ApiError: the model failed. After the first event nothing is tried again: the client has it already.
        """
        begun = False
        prepared = attempt.prepared
        writer = begin(prepared.spec)
        while True:
            log.note(attempts=retries.attempts)
            started = time.perf_counter()
            reader = AnswerReader(prepared.spec)
            try:
                async with aclosing(self._events(prepared, reader, writer)) as events:
                    async for event in events:
                        begun = True
                        retries.answered()
                        yield event
            except ApiError as failure:
                if begun:
                    raise
                if attempt.may_fall_back(failure):
                    attempt = attempt.fall_back(failure, log)
                    prepared = attempt.prepared
                    writer = begin(prepared.spec)
                else:
                    await retries.wait(failure)
            else:
                log.completed(prepared.spec, reader.outcome(), _seconds_since(started))
                yield writer.end(reader.usage)
                return
            finally:
                # Also for a stream that broke, or that its client left: how far it came.
                log.note(completion_length=reader.outcome().completion_length or None)

    async def _events(self, prepared: Prepared, reader: AnswerReader, writer: EventWriter) -> AsyncGenerator[bytes]:
        """The events of one invocation; what one network read brought goes on in one write.

        Raises:
            ApiError: the invocation fails, or ends before the completion does.
        """
        body_format = FORMATS[prepared.spec.body_format]
        async with (
            aclosing(self._model.stream(prepared.invocation)) as stream,
            aclosing(_until_nothing_is_missing(stream, reader)) as answers,
        ):
            async for answers_of_one_read in answers:
                deltas = (delta for answer in answers_of_one_read for delta in reader.feed(body_format.read(answer)))
                events, failure = collect_until_failure(writer.write(delta) for delta in deltas)
                if events:
                    yield b"".join(events)
                if failure:
                    raise failure
                if reader.finished and not body_format.knows_stop:
                    # At a stop sequence that the model does not know, or a call too many: it would go on, billed.
                    break
        if not reader.finished:
            raise AnswerError


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 4)


async def _until_nothing_is_missing(
    answers: AsyncGenerator[list[Any]], reader: AnswerReader
) -> AsyncGenerator[list[Any]]:
    """Pass on what the model says; once its completion is there, wait only shortly for the usage that may follow.

    The client has its whole answer then. A stream that stalls or breaks off behind it is no failure of the client's.
    """
    clock = asyncio.get_running_loop().time
    last_moment = None
    while True:
        if last_moment is None and reader.has_everything:
            last_moment = clock() + _USAGE_WAIT_S
        try:
            async with asyncio.timeout_at(last_moment):
                answers_of_one_read = await anext(answers)
        except StopAsyncIteration:
            return
        except (ApiError, TimeoutError):
            if last_moment is None:
                raise
            return
        yield answers_of_one_read
