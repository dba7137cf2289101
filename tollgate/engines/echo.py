"""A deterministic engine without delay, for tests and measurements: it answers with the prompt.

Its token counts are simulated: one token is a word together with the whitespace before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tollgate.engines.base import FinishReason, Generation, Token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TOKEN = re.compile(r"\s*\S+|\s+")


class EchoEngine:
    """Answers `echo: <prompt>`, or `echo: <text of the last user message>`."""

    def count_tokens(self, generation: Generation) -> int:
        """Count the words of the prompt, or of all messages."""
        if generation.prompt is not None:
            return _count(generation.prompt)
        return sum(_count(message_text(message)) for message in generation.messages or [])

    async def generate(self, generation: Generation) -> AsyncIterator[Token | FinishReason]:
        """Yield the echo, cut at the first stop sequence and at `max_tokens`."""
        text = f"echo: {_subject(generation)}"
        text = text[: _first_stop(text, generation.stop)]
        finish: FinishReason = "stop"
        for number, match in enumerate(_TOKEN.finditer(text)):
            if number == generation.max_tokens:
                finish = "length"
                break
            yield _token(number, match[0], generation.top_logprobs)
        yield finish


def _token(number: int, text: str, top_logprobs: int | None) -> Token:
    if top_logprobs is None:
        return Token(text, token_id=number)
    # An echo is certain of each of its tokens: the logarithm of 1 is 0.
    alternatives = ((text, 0.0),) if top_logprobs else ()
    return Token(text, token_id=number, logprob=0.0, top_logprobs=alternatives)


def message_text(message: dict[str, Any]) -> str:
    """The text of a chat message whose content is a string, a list of parts, or absent."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _subject(generation: Generation) -> str:
    if generation.prompt is not None:
        return generation.prompt
    messages = generation.messages or []
    asked = [message for message in messages if message.get("role") == "user"] or messages
    return message_text(asked[-1]) if asked else ""


def _first_stop(text: str, stop: tuple[str, ...]) -> int:
    found = [at for at in map(text.find, stop) if at >= 0]
    return min(found, default=len(text))


def _count(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))
