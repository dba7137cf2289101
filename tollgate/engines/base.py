"""The port between the embedded Bedrock and whatever produces tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One invocation, whatever body format it arrived in: either `prompt` or `messages` is set."""

    prompt: str | None
    messages: list[dict[str, Any]] | None
    tools: list[dict[str, Any]] | None
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int | None
    stop: tuple[str, ...]
    seed: int | None
    top_logprobs: int | None
    """Alternatives wanted per token; None: no log-probabilities at all."""
    body: Mapping[str, Any]
    """The request as received."""


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token; `text` is empty while a UTF-8 character is incomplete."""

    text: str
    token_id: int | None = None
    logprob: float | None = None
    top_logprobs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """Fields of a chat message that are not plain text, in OpenAI's streaming shape (`tool_calls`, …)."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Exact token counts, from an engine that learns them only at the end."""

    prompt_tokens: int
    completion_tokens: int


class Engine(Protocol):
    """Produces tokens. An engine serves many invocations at once on one event loop."""

    def count_tokens(self, generation: Generation) -> int:
        """Tokens of the prompt."""
        ...

    def generate(self, generation: Generation) -> AsyncIterator[Token | Delta | Usage | FinishReason]:
        """Tokens as they are produced, then exactly one finish reason.

        Raises:
            ServiceError: the model cannot answer; becomes the service's answer.
        """
        ...
