"""The way of a request in one process: record, invocation, and the model's answer as the client's completion.

The steps are the layer's (`tollgate_layer.inference.pipeline`); what is added here is waiting for models that are not
ready, and sending on what a model says while it says it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from streaming.interfaces import Functions, Model, Shadows
from streaming.partial_results import collect_until_failure
from streaming.preparation import Attempt
from streaming.retries import Retries
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Completion, add_up
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter
from tollgate_layer.inference.failures.errors import AnswerError, ApiError
from tollgate_layer.inference.pipeline.after_model import Completed, complete
from tollgate_layer.inference.pipeline.before_model import Prepared
from tollgate_layer.inference.request_log import RequestLog
from tollgate_layer.inference.response import Response

if TYPE_CHECKING:
    from streaming.noted_stream import HookedStream, NotedStream

# Of the time that a client waits, what is kept for the last attempt to be answered.
_LAST_ATTEMPT_S = 3.0

# How long a stream stays open for the usage, after all choices have ended. Servers send it at once.
_USAGE_WAIT_S = 2.0


class StreamingPipeline:
    """Answers requests; `model_wait_s` is how long a request waits for a model that is not ready.

    Few requests need `functions` and `shadows`: each gives its object, which is made for the first of them.
    """

    def __init__(
        self, model: Model, functions: Callable[[], Functions], shadows: Callable[[], Shadows], model_wait_s: float
    ) -> None:
        self._model = model
        self._functions = functions
        self._shadows = shadows
        self._model_wait_s = model_wait_s

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
                completed = complete(prepared.spec, answer, with_completion=prepared.spec.shadow is not None)
            except ApiError as failure:
                if attempt.may_fall_back(failure):
                    attempt = attempt.fall_back(failure, log)
                else:
                    await retries.wait(failure)
            else:
                log.completed(prepared.spec, completed.outcome, model_time_s)
                if prepared.spec.shadow is not None:
                    await self._start_shadow(attempt, cast("Completion", completed.completion), model_time_s)
                return await self._finish(attempt, completed, log)

    async def _finish(self, attempt: Attempt, completed: Completed, log: RequestLog) -> Response:
        """The response to a whole completion, after the record's hook has seen it, if there is one.

        Raises:
            ApiError: the hook refuses the completion, or failed.
        """
        if attempt.prepared.spec.after is None:
            return completed.response
        from tollgate_layer.inference.hooks.after import after_call, response_after

        spec, (incoming, key_id) = attempt.prepared.spec, attempt.asked
        assert completed.completion is not None
        call = after_call(spec, completed.completion, incoming, key_id, None)
        report = await self._functions().call(call, incoming.body)
        return response_after(spec, completed.response, completed.outcome.usage, report, log)

    async def stream(
        self, attempt: Attempt, begin: Callable[[CompletionSpec], EventWriter], log: RequestLog, retries: Retries
    ) -> AsyncGenerator[bytes]:
        """The completion as events, as the model's answer comes. `begin` gives the writer for it.

        Raises:
            ApiError: the model failed. After the first event nothing is tried again: the client has it already.
        """
        begun = False
        prepared = attempt.prepared
        writer = _noted(begin(prepared.spec), prepared.spec)
        while True:
            log.note(attempts=retries.attempts)
            started = time.perf_counter()
            reader = AnswerReader(prepared.spec)
            try:
                async with aclosing(self._events(prepared, reader, writer)) as events:
                    async for event in events:
                        begun = True
                        retries.answered()
                        if event:  # a hook may hold it back
                            yield event
            except ApiError as failure:
                if begun:
                    raise
                if attempt.may_fall_back(failure):
                    attempt = attempt.fall_back(failure, log)
                    prepared = attempt.prepared
                    writer = _noted(begin(prepared.spec), prepared.spec)
                else:
                    await retries.wait(failure)
            else:
                model_time_s = _seconds_since(started)
                log.completed(prepared.spec, reader.outcome(), model_time_s)
                yield await self._end(attempt, writer, reader.usage, log)
                if prepared.spec.shadow is not None:  # the client has everything by now
                    completion = add_up(cast("NotedStream", writer).deltas, reader.usage)
                    await self._start_shadow(attempt, completion, model_time_s)
                return
            finally:
                # Also for a stream that broke, or that its client left: how far it came.
                log.note(completion_length=reader.outcome().completion_length or None)

    async def _start_shadow(self, attempt: Attempt, completion: Completion, seconds: float) -> None:
        """Have another variant asked the same, by an execution that nobody waits for."""
        from tollgate_layer.inference.shadow import first_answer

        request = attempt.shadow_request(first_answer(attempt.prepared.spec, completion, seconds))
        await self._shadows().start(request)

    async def _end(self, attempt: Attempt, writer: EventWriter, usage: Usage, log: RequestLog) -> bytes:
        """The last events of a stream. Raises ApiError: the record's hook refuses the completion, or failed."""
        if attempt.prepared.spec.after is None:
            return writer.end(usage)
        incoming, key_id = attempt.asked
        return await cast("HookedStream", writer).ask(self._functions(), usage, incoming, key_id, log)

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


def _noted(writer: EventWriter, spec: CompletionSpec) -> EventWriter:
    """The writer of a stream, behind one that notes it where a hook or a shadow needs to know it."""
    if spec.after is None and spec.shadow is None:
        return writer
    from streaming.noted_stream import HookedStream, NotedStream

    return NotedStream(writer) if spec.after is None else HookedStream(writer, spec)


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
