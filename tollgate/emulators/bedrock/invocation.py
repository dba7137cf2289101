"""One invocation of a model, from the request's body to the pieces of its answer."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tollgate.emulators.bedrock.engine_errors import as_service_errors
from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.formats import Answer, InvocationInfo, choose
from tollgate.engines.base import Delta, Token, TokenCounts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from tollgate.emulators.bedrock.models import ImportedModel
    from tollgate.engines.base import Generation

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LIMITS = {"max_tokens", "max_completion_tokens", "max_gen_len"}


class Invocation:
    """Drives the engine and keeps its output in `answer`.

    Use it once, by one of `whole_answer`, `chunks` and `pieces`.
    """

    def __init__(self, model: ImportedModel, body: Mapping[str, Any], body_format: str | None = None) -> None:
        """Prepare the invocation; `body_format` takes the place of the model's own.

        Raises:
            ServiceError: ValidationException, the model cannot take this body.
        """
        self.model = model
        self.fault = model.faults.next_step()
        self.format = choose(body_format or model.body_format, body)
        generation = self.format.parse(body)
        if generation.messages is not None and not model.has_chat_template:
            raise invalid("The model has no chat template: send prompt instead of messages.")
        with as_service_errors():
            prompt_tokens = model.engine.count_tokens(generation)
        self.info = InvocationInfo(
            id=uuid.uuid4().hex,
            created=int(time.time()),
            model=f"{model.arn.account}-{model.arn.id}",
            generation=_within_context(generation, prompt_tokens, model.context_length),
            prompt_tokens=prompt_tokens,
        )
        self.answer = Answer()

    async def pieces(self) -> AsyncGenerator[Token | Delta]:
        """The engine's pieces, each added to `answer` before it is handed on.

        Raises:
            ServiceError: the model fails; before the first piece this is the answer to the request.
            ConnectionBrokenError: a fault breaks the connection here.
        """
        model = self.model
        model.faults.check_concurrency(model.traffic.in_flight)
        with model.traffic.flight():
            await self.fault.strike(0)
            async with model.life.place() as copy, closing(self._produce()) as pieces:
                await model.life.prefill(self.info.prompt_tokens)
                async for piece in pieces:
                    await model.life.decode(copy)
                    if model.faults.seconds_per_token:
                        await asyncio.sleep(model.faults.seconds_per_token)
                    self.answer.add(piece)
                    yield piece
                    await self.fault.strike(self.answer.completion_tokens)

    async def _produce(self) -> AsyncGenerator[Token | Delta]:
        produced = self.model.engine.generate(self.info.generation)
        with as_service_errors():
            async with closing(produced):
                async for piece in produced:
                    if isinstance(piece, Token | Delta):
                        yield piece
                    elif isinstance(piece, TokenCounts):
                        self.info.prompt_tokens = piece.prompt_tokens
                        self.answer.completion_tokens = piece.completion_tokens
                    else:
                        self.answer.finish_reason = piece

    async def whole_answer(self) -> dict[str, Any]:
        """The whole answer in the request's body format; raises what `pieces` does."""
        try:
            async with aclosing(self.pieces()) as pieces:
                async for _ in pieces:
                    pass
        except ServiceError as error:
            record_error(self.model, error)
            raise
        return self.format.whole(self.info, self.answer)

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        """The answer as chunks in the request's body format; the first waits for the model's first piece."""
        started = time.perf_counter()
        first_piece_at = None
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                if first_piece_at is None:
                    first_piece_at = time.perf_counter()
                    for chunk in self.format.first_chunks(self.info):
                        yield chunk
                yield self.format.chunk(self.info, self.answer, piece)
        if first_piece_at is None:
            first_piece_at = time.perf_counter()
            for chunk in self.format.first_chunks(self.info):
                yield chunk
        *before, last = self.format.last_chunks(self.info, self.answer)
        for chunk in before:
            yield chunk
        yield last | {"amazon-bedrock-invocationMetrics": self._metrics(started, first_piece_at)}

    def _metrics(self, started: float, first_piece_at: float) -> dict[str, int]:
        """Counts, and latencies in milliseconds, that the service adds to the last chunk."""
        return {
            "inputTokenCount": self.info.prompt_tokens,
            "outputTokenCount": self.answer.completion_tokens,
            "invocationLatency": round((time.perf_counter() - started) * 1000),
            "firstByteLatency": round((first_piece_at - started) * 1000),
        }


def _within_context(generation: Generation, prompt_tokens: int, context_length: int | None) -> Generation:
    """A request that names no limit gets what the context leaves of the default."""
    if context_length is None or _LIMITS & generation.body.keys():
        return generation
    left = max(1, context_length - prompt_tokens)
    return replace(generation, max_tokens=min(generation.max_tokens, left))


@asynccontextmanager
async def closing(pieces: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """Close an engine's generator as soon as its consumer stops; a plain iterator has nothing to close."""
    try:
        yield pieces
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


def record_error(model: ImportedModel, error: ServiceError) -> None:
    """Count an error of this model by its code; a refusal is told on the console, too."""
    errors = model.traffic.errors
    errors[error.code] = errors.get(error.code, 0) + 1
    if error.code == "ValidationException":
        logger.warning("Bedrock refuses a request to %s: %s", model.name, error.message)
