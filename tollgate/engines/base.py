"""The port between a service that serves models and the engine that produces their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Generation:
    """The text that is wanted from a model, whatever body format the request had.

    Exactly one of `prompt` and `messages` is set.
    """

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
    """How many alternatives are wanted for each token; None means no log-probabilities at all."""
    body: Mapping[str, Any]
    """The body of the request as it was received."""
    prompts: tuple[str | list[int], ...] = ()
    """Where the request has several prompts, or token ids: each prompt, of which `choices` has an equal share."""
    choices: int = 1
    """How many answers are wanted; whoever calls `generate` calls it so often, with a seed for each."""


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token; `text` is empty while a UTF-8 character is incomplete."""

    text: str
    token_id: int | None = None
    logprob: float | None = None
    top_logprobs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """Fields of a chat message other than its text, such as `tool_calls`, in OpenAI's streaming shape."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Exact token counts, from an engine that gets to know them only at the end."""

    prompt_tokens: int
    completion_tokens: int


class Engine(Protocol):
    """Produces tokens. An engine answers many requests at once on one event loop."""

    def count_tokens(self, generation: Generation) -> int | Awaitable[int]:
        """Count the tokens of the prompt; raises EngineError when they cannot be counted.

        An engine that has to wait for another process returns an awaitable.
        """
        ...

    def generate(self, generation: Generation) -> AsyncIterator[Token | Delta | TokenCounts | FinishReason]:
        """Yield tokens as they are produced, then exactly one finish reason.

        Raises:
            EngineError: the model cannot answer.
        """
        ...
