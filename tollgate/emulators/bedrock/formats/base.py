"""What a body format does, and what it is given to write an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.engines.base import Delta, FinishReason, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Call:
    """One invocation as its answer mentions it."""

    id: str
    """32 hexadecimal digits."""
    created: int
    """Seconds since 1970."""
    model: str
    """`<account>-<model id>`, as imported models call themselves."""
    generation: Generation
    prompt_tokens: int


@dataclass(slots=True)
class Completion:
    """What the engine has produced so far."""

    pieces: list[Token | Delta] = field(default_factory=list)
    completion_tokens: int = 0
    finish_reason: FinishReason = "stop"

    def add(self, piece: Token | Delta) -> None:
        """Take the engine's next piece; a delta counts as a token too."""
        self.pieces.append(piece)
        self.completion_tokens += 1

    @property
    def tokens(self) -> list[Token]:
        return [piece for piece in self.pieces if isinstance(piece, Token)]

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)


class BodyFormat(Protocol):
    """Reads a request's body and writes the answer, whole or in chunks; all are JSON objects."""

    def parse(self, body: Mapping[str, Any]) -> Generation:
        """Raises ServiceError (ValidationException) that names the field at fault."""
        ...

    def answer(self, call: Call, completion: Completion) -> dict[str, Any]: ...

    def first_chunks(self, call: Call) -> list[dict[str, Any]]: ...

    def chunk(self, call: Call, completion: Completion, piece: Token | Delta) -> dict[str, Any]:
        """The chunk of `piece`, which `completion` already holds."""
        ...

    def last_chunks(self, call: Call, completion: Completion) -> list[dict[str, Any]]: ...
