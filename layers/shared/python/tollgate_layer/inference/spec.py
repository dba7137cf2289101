"""What the answer to one request must look like: decided before the model is called, used after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class ParserSpec(NamedTuple):
    """How to read the model's text; see `prompt_format.CompletionParser`."""

    tool_calls: str | None = None
    tools: Sequence[dict[str, Any]] = ()
    reasoning: bool = False
    starts_in_reasoning: bool = False


class CompletionSpec(NamedTuple):
    """All that shaping the answer needs of the request; JSON all through, since it travels in the execution."""

    id: str
    object: str
    created: int
    model: str
    variant: str
    body_format: str
    stop: list[str]
    parser: ParserSpec | None
    stream: bool
    include_usage: bool
    prompt_length: int

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> CompletionSpec:
        """The inverse of `to_json`."""
        parser = value["parser"]
        return cls(**{**value, "parser": parser and ParserSpec(**parser)})

    def to_json(self) -> dict[str, Any]:
        """A JSON object; the parser is one within."""
        return {**self._asdict(), "parser": self.parser and self.parser._asdict()}

    @property
    def is_chat(self) -> bool:
        """Whether the answer is a chat completion, not a text completion."""
        return self.object == "chat.completion"

    @property
    def system_fingerprint(self) -> str:
        """Names what answered: the model and its variant."""
        return f"{self.model}@{self.variant}"
