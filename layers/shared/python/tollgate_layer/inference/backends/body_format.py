"""What every body format has in common, and the parts that a model's answer is read into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tollgate_layer.inference.failures.errors import AnswerError, RequestError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.schemas import parameters as parameter_table


class Usage(NamedTuple):
    """Token counts, the model's own; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def updated(self, later: Usage) -> Usage:
        """These counts, where a later event of the same stream does not say others."""
        prompt_tokens, completion_tokens = self
        if later.prompt_tokens is not None:
            prompt_tokens = later.prompt_tokens
        if later.completion_tokens is not None:
            completion_tokens = later.completion_tokens
        return Usage(prompt_tokens, completion_tokens)


class CallPiece(NamedTuple):
    """A piece of the tool call at `position`: its id and name come first, then pieces of its arguments."""

    position: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Part(NamedTuple):
    """What one answer, or one event of a stream, adds to one choice.

    `text` may still hold reasoning and tool calls, `reasoning`, `refusal` and `calls` are what the model's server
    told apart itself. `stop_reason` is the model's own word for why it ended, given once, with a choice's last part.
    """

    choice: int = 0
    text: str = ""
    reasoning: str | None = None
    refusal: str | None = None
    calls: tuple[CallPiece, ...] = ()
    logprobs: JsonObject | None = None
    stop_reason: str | None = None


class Answer(NamedTuple):
    """The parts of a model's answer, or of one event of it, and the usage as far as it says it."""

    parts: Sequence[Part]
    usage: Usage = Usage()


class BodyFormat:
    """The bodies that a kind of model takes and gives.

    A subclass says its name, under which the table of parameters lists what it honours, where the prompt goes, and
    how its answers are read.
    """

    name: str
    prompt_field = "prompt"

    def build(self, prompt: str | list[JsonObject], parameters: JsonObject, stop: Sequence[str]) -> JsonObject:
        """The body of an invocation.

        `prompt` is text, or messages for a server that formats them itself. `stop` is sent where the format knows
        stop sequences, so that the model ends early; the answer is cut at them in any case.

        Raises:
            RequestError: `unsupported_parameter` names what this format cannot honour.
        """
        table = parameter_table()
        body: JsonObject = {self.prompt_field: prompt}
        for name, value in parameters.items():
            field = table[name].honoured_by.get(self.name)
            if field is None:
                raise RequestError("unsupported_parameter", f"{name}: this model cannot honour it.", param=name)
            body[field] = value
        if stop and self.knows_stop:
            body["stop"] = list(stop)
        return body

    @property
    def knows_stop(self) -> bool:
        """Whether the model itself ends at stop sequences."""
        return self.name in parameter_table()["stop"].honoured_by

    def read(self, answer: Any) -> Answer:
        """The parts of a whole answer, or of one event of a stream.

        Raises:
            AnswerError: the answer does not have this format's shape.
        """
        try:
            parts, usage = self._read(answer)
            return Answer(parts, usage.updated(_usage_by_bedrock(answer)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # `_read` takes the answer's shape for granted: whatever is missing or of another type ends here.
            raise AnswerError from error

    def _read(self, answer: Any) -> Answer:
        raise NotImplementedError


def text(value: Any) -> str:
    """A text of an answer. Raises TypeError where it is none."""
    if not isinstance(value, str):
        raise TypeError("text must be a string")
    return value


def text_or_none(value: Any) -> str | None:
    """A text of an answer that may be missing. Raises TypeError where it is something else."""
    return None if value is None else text(value)


def usage(prompt_tokens: Any, completion_tokens: Any) -> Usage:
    """Token counts; whatever is no number was not said."""
    counts = Usage()
    if isinstance(prompt_tokens, int):
        counts = counts._replace(prompt_tokens=prompt_tokens)
    if isinstance(completion_tokens, int):
        counts = counts._replace(completion_tokens=completion_tokens)
    return counts


def _usage_by_bedrock(event: JsonObject) -> Usage:
    """The counts that Bedrock itself adds to the last event of a stream, where it does.

    https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring.html
    """
    metrics = event.get("amazon-bedrock-invocationMetrics") or {}
    return usage(metrics.get("inputTokenCount"), metrics.get("outputTokenCount"))
