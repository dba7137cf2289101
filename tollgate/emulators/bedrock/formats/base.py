"""The port of a body format, and what a format is given to write an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.engines.base import Delta, FinishReason, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class InvocationInfo:
    """The facts about an invocation that stand in its answer."""

    id: str
    """32 hexadecimal digits."""
    created: int
    """Seconds since 1970."""
    model: str
    """`<account>-<model id>`, as imported models call themselves."""
    generation: Generation
    prompt_tokens: int


@dataclass(slots=True)
class Answer:
    """The engine's output so far, for one choice of an answer."""

    index: int = 0
    pieces: list[Token | Delta] = field(default_factory=list)
    completion_tokens: int = 0
    finish_reason: FinishReason = "stop"

    def add(self, piece: Token | Delta) -> None:
        """Append the engine's next piece; a delta counts as a token too."""
        self.pieces.append(piece)
        self.completion_tokens += 1

    @property
    def tokens(self) -> list[Token]:
        return [piece for piece in self.pieces if isinstance(piece, Token)]

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)


class BodyFormat(Protocol):
    """Reads a request's body and writes its answer, whole or in chunks. All of these are JSON objects.

    `answers` are the choices of an answer, as many as the request's `n`; formats without `n` have one.
    """

    def parse(self, body: Mapping[str, Any]) -> Generation:
        """Read a body; raises ServiceError (ValidationException) that names the field at fault."""
        ...

    def whole(self, info: InvocationInfo, answers: list[Answer]) -> dict[str, Any]:
        """The answer to a request that does not stream."""
        ...

    def first_chunks(self, info: InvocationInfo) -> list[dict[str, Any]]:
        """The chunks before the first piece."""
        ...

    def chunk(self, info: InvocationInfo, answer: Answer, piece: Token | Delta) -> dict[str, Any]:
        """The chunk of a piece, which `answer` holds already."""
        ...

    def last_chunks(self, info: InvocationInfo, answers: list[Answer]) -> list[dict[str, Any]]:
        """The chunks after the last piece, at least one."""
        ...
