"""What the completion must look like: decided before the model is invoked, used after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tollgate_layer.inference.json_text import JsonObject


class ParserSpec(NamedTuple):
    """How to read the model's text: the arguments of `prompt_format.CompletionParser`."""

    tool_calls: str | None = None
    tools: Sequence[dict[str, Any]] = ()
    reasoning: bool = False
    starts_in_reasoning: bool = False
    begun: str = ""


class CompletionSpec(NamedTuple):
    """All that shaping the completion needs to know of the request.

    On the step path it travels through the execution as JSON, from Preprocess to Postprocess; hence `to_json`.
    `created` is in seconds since the epoch, `prompt_length` in characters, `parser` None where the text is content
    and nothing else. `choices` is how many the client asked for, `top_logprobs` how many likely tokens at each place.
    `parallel_calls` is False where the client takes no more than one tool call in an answer. `ignored` names what the
    request asked for in vain, and `kept` is what the dialect keeps of the request to write its answer.
    `container` is the serving container in whose shapes SageMaker's clients are answered, and
    `fallback` the variant that is asked where this one fails.
    `after` is the record's hook that sees the completion, `hook_state` what the hook before it has left for it.
    `shadow` is {variant, bucket}, where that variant is to be asked the same, for comparison.
    """

    dialect: str
    id: str
    created: int
    model: str
    variant: str
    body_format: str
    stop: list[str]
    parser: ParserSpec | None
    stream: bool
    include_usage: bool
    prompt_length: int
    # With defaults, since a release may find executions under way that the one before it began.
    choices: int = 1
    top_logprobs: int = 0
    parallel_calls: bool = True
    ignored: list[str] | None = None
    kept: JsonObject | None = None
    container: str = "tgi"
    fallback: str | None = None
    after: JsonObject | None = None
    hook_state: Any = None
    shadow: JsonObject | None = None

    @classmethod
    def from_json(cls, value: JsonObject) -> CompletionSpec:
        """The inverse of `to_json`."""
        parser = value["parser"]
        if parser is not None:
            parser = ParserSpec(**parser)
        return cls(**{**value, "parser": parser})

    def to_json(self) -> JsonObject:
        """The fields as a JSON object."""
        fields = self._asdict()
        if self.parser is not None:
            fields["parser"] = self.parser._asdict()
        return fields

    @property
    def ignored_header(self) -> str:
        """What was asked for in vain, as a response's header names it."""
        return ", ".join(self.ignored or ())

    @property
    def system_fingerprint(self) -> str:
        """What answers: the model and its variant, as `model@variant`."""
        return f"{self.model}@{self.variant}"
