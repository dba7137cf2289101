"""One invocation of a model, from the request's body to the pieces of its answer."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tollgate.emulators.bedrock.engine_errors import as_service_errors
from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.formats import Answer, InvocationInfo, choose
from tollgate.engines.base import Delta, Token, TokenCounts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from tollgate.emulators.bedrock.life import ModelCopy
    from tollgate.emulators.bedrock.models import ImportedModel
    from tollgate.engines.base import Generation

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LIMITS = {"max_tokens", "max_completion_tokens", "max_gen_len"}


class Invocation:
    """Drives the engine and keeps its output in `answers`, one for each choice that the request wants.

    Use it once, by one of `whole_answer`, `chunks` and `pieces`. `info` is there as soon as one of them has begun.
    """

    info: InvocationInfo

    def __init__(self, model: ImportedModel, body: Mapping[str, Any], body_format: str | None = None) -> None:
        """Read the body; `body_format` takes the place of the model's own.

        Raises:
            ServiceError: ValidationException, the model cannot take this body.
        """
        self.model = model
        self.fault = model.faults.next_step()
        self.format = choose(body_format or model.body_format, body)
        self._generation = self.format.parse(body)
        if self._generation.messages is not None and not model.has_chat_template:
            raise invalid("The model has no chat template: send prompt instead of messages.")
        self.answers = [Answer(index) for index in range(self._generation.choices)]

    @property
    def answer(self) -> Answer:
        """The first choice, which is the only one of most answers."""
        return self.answers[0]

    @property
    def completion_tokens(self) -> int:
        """The tokens of all choices so far."""
        return sum(answer.completion_tokens for answer in self.answers)

    async def count_prompt(self) -> None:
        """Count the prompt's tokens. Raises ServiceError where the model cannot make a prompt of the request."""
        model = self.model
        with as_service_errors():
            prompt_tokens = 0
            for generation in self._each_prompt():
                counted = model.engine.count_tokens(generation)
                prompt_tokens += counted if isinstance(counted, int) else await counted
        self.info = InvocationInfo(
            id=uuid.uuid4().hex,
            created=int(time.time()),
            model=f"{model.arn.account}-{model.arn.id}",
            generation=_within_context(self._generation, prompt_tokens, model.context_length),
            prompt_tokens=prompt_tokens,
        )

    def _each_prompt(self) -> list[Generation]:
        """The generation of each prompt: mostly there is one.

        Raises:
            ServiceError: ValidationException, the engine cannot read token ids.
        """
        generation = self._generation
        if not generation.prompts:
            return [generation]
        each = []
        for prompt in generation.prompts:
            text = prompt if isinstance(prompt, str) else self._text_of(prompt)
            each.append(replace(generation, prompt=text, prompts=(), body={**generation.body, "prompt": prompt}))
        return each

    def _text_of(self, token_ids: list[int]) -> str:
        text_of = getattr(self.model.engine, "text_of", None)
        if text_of is None:
            raise invalid("This model's engine knows no token ids.")
        return str(text_of(token_ids))

    async def pieces(self) -> AsyncGenerator[tuple[Answer, Token | Delta]]:
        """The engine's pieces, each with the choice that it was added to before it is handed on.

        The choices grow side by side, as a server decodes them: in each step every unfinished one gets a piece.

        Raises:
            ServiceError: the model fails; before the first piece this is the answer to the request.
            ConnectionBrokenError: a fault breaks the connection here.
        """
        model = self.model
        await self.count_prompt()
        model.faults.check_concurrency(model.traffic.in_flight)
        with model.traffic.flight():
            await self.fault.strike(0)
            async with model.life.place() as copy, AsyncExitStack() as running:
                await model.life.prefill(self.info.prompt_tokens)
                growing = []
                for answer in self.answers:
                    growing.append((answer, await running.enter_async_context(closing(self._produce(answer)))))
                while growing:
                    paid = False
                    for answer, produced in list(growing):
                        piece = await anext(produced, None)
                        if piece is None:
                            growing.remove((answer, produced))
                            continue
                        if not paid:
                            await self._decode_step(copy)
                            paid = True
                        answer.add(piece)
                        yield answer, piece
                        await self.fault.strike(self.completion_tokens)

    async def _decode_step(self, copy: ModelCopy) -> None:
        """Wait for as long as the model takes for one token of each choice."""
        await self.model.life.decode(copy)
        if self.model.faults.seconds_per_token:
            await asyncio.sleep(self.model.faults.seconds_per_token)

    async def _produce(self, answer: Answer) -> AsyncGenerator[Token | Delta]:
        each = self._each_prompt()
        share = len(self.answers) // len(each)
        generation = replace(each[answer.index // share], max_tokens=self.info.generation.max_tokens)
        if generation.body.get("echo") is True and generation.prompt is not None:
            yield Token(generation.prompt)
        if answer.index and generation.seed is not None:
            generation = replace(generation, seed=generation.seed + answer.index)
        with as_service_errors():
            async with closing(self.model.engine.generate(generation)) as produced:
                async for piece in produced:
                    if isinstance(piece, Token | Delta):
                        yield piece
                    elif isinstance(piece, TokenCounts):
                        self.info.prompt_tokens = piece.prompt_tokens
                        answer.completion_tokens = piece.completion_tokens
                    else:
                        answer.finish_reason = piece

    async def whole_answer(self) -> dict[str, Any]:
        """The whole answer in the request's body format; raises what `pieces` does."""
        try:
            async with aclosing(self.pieces()) as pieces:
                async for _ in pieces:
                    pass
        except ServiceError as error:
            record_error(self.model, error)
            raise
        return self.format.whole(self.info, self.answers)

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        """The answer as chunks in the request's body format; the first waits for the model's first piece."""
        started = time.perf_counter()
        first_piece_at = None
        async with aclosing(self.pieces()) as pieces:
            async for answer, piece in pieces:
                if first_piece_at is None:
                    first_piece_at = time.perf_counter()
                    for chunk in self.format.first_chunks(self.info):
                        yield chunk
                yield self.format.chunk(self.info, answer, piece)
        if first_piece_at is None:
            first_piece_at = time.perf_counter()
            for chunk in self.format.first_chunks(self.info):
                yield chunk
        *before, last = self.format.last_chunks(self.info, self.answers)
        for chunk in before:
            yield chunk
        yield last | {"amazon-bedrock-invocationMetrics": self._metrics(started, first_piece_at)}

    def _metrics(self, started: float, first_piece_at: float) -> dict[str, int]:
        """Counts, and latencies in milliseconds, that the service adds to the last chunk."""
        return {
            "inputTokenCount": self.info.prompt_tokens,
            "outputTokenCount": self.completion_tokens,
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
