"""What every body format has in common, and the parts that a model's answer is read into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tollgate_layer.inference.failures.errors import AnswerError, RequestError
from tollgate_layer.inference.json_text import JsonObject, to_json
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
    """A piece of the tool call at `position`: its id and name come first, then pieces of its arguments.

    `position` is None where the model's server does not say to which call a piece belongs.
    """

    position: int | None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Part(NamedTuple):
    """What one answer, or one event of a stream, adds to one choice.

    `text` may still hold reasoning and tool calls, `reasoning`, `refusal` and `calls` are what the model's server
    told apart itself. `stop_reason` is the model's own word for why it ended, given once, with a choice's last part.
    """

    choice_number: int = 0
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
                if value in table[name].nothing_elsewhere:
                    continue
                raise RequestError("unsupported_parameter", f"{name}: this model cannot honour it.", param=name)
            body[field] = value
        if stop and self.knows_stop:
            body["stop"] = list(stop)
        return body

    @property
    def knows_stop(self) -> bool:
        """Whether the model itself ends at stop sequences."""
        return self.name in parameter_table()["stop"].honoured_by

    def read(self, answer: Any, *, whole: bool = False) -> Answer:
        """The parts of a `whole` answer, or of one event of a stream, which may also hold everything.

        An event that ends a choice may have no text. A whole answer's choice must have one, though it may be empty:
        what has none is of another format, and its text would be lost.

        Raises:
            AnswerError: the answer does not have this format's shape.
        """
        try:
            parts, usage = self._read(answer, whole=whole)
            return Answer(parts, usage.updated(_usage_by_bedrock(answer)))
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            # `_read` takes the answer's shape for granted: whatever is missing or of another type ends here.
            raise AnswerError from error

    def _read(self, answer: Any, *, whole: bool) -> Answer:
        """The parts of an answer; a shape that it does not have may raise any of the errors that `read` names.

        Every value that goes on has been through one of the functions below, which check its type.
        """
        raise NotImplementedError


_MOST_CHOICES = 128
"""The most choices that a request may ask for."""

_LONGEST_NUMBER = 9
"""Digits of a place in a list that is written as text."""


def text(value: Any) -> str:
    """A text of an answer. Raises TypeError where it is none."""
    if not isinstance(value, str):
        raise TypeError("text must be a string")
    return value


def text_or_none(value: Any) -> str | None:
    """A text of an answer that may be missing. Raises TypeError where it is something else."""
    return None if value is None else text(value)


def word_or_none(value: Any) -> str | None:
    """A text that is one word, such as a stop reason; servers also write an empty one where they mean none."""
    return text_or_none(value) or None


def objects(value: Any) -> list[JsonObject]:
    """A list of objects; null is an empty one. Raises TypeError where it is something else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError("must be a list")
    for item in value:
        if not isinstance(item, dict):
            raise TypeError("must be a list of objects")
    return value


def number_in_list(value: Any) -> int | None:
    """The place that a server gives a choice or a call, counted from 0; None where it gives none.

    Some write it as text. Raises ValueError or TypeError where it is something else.
    """
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a place in a list must be a whole number")
    if value < 0:
        raise ValueError("a place in a list is not negative")
    return value


def choice_number(value: Any, place: int) -> int:
    """The number of a choice; where the server does not number them, it is the choice's `place` in its list."""
    number = number_in_list(value)
    if number is None:
        return place
    if number >= _MOST_CHOICES:
        raise ValueError("nobody asked for so many choices")
    return number


def call_arguments(value: Any) -> str:
    """A call's arguments as JSON text. Servers write none as null or as "", and some write the object itself."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return to_json(value)
    return text(value)


def usage(prompt_tokens: Any, completion_tokens: Any) -> Usage:
    """Token counts; whatever is no count was not said."""
    return Usage(_count(prompt_tokens), _count(completion_tokens))


def _count(value: Any) -> int | None:
    """A count; the limit is that of whole numbers in JSON that every reader takes exactly."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
        return value
    return None


def object_or_empty(value: Any) -> JsonObject:
    """An object of which nothing is taken where it is none."""
    return value if isinstance(value, dict) else {}


def _usage_by_bedrock(event: JsonObject) -> Usage:
    """The counts that Bedrock itself adds to the last event of a stream, where it does.

    https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring.html
    """
    metrics = object_or_empty(event.get(METRICS))
    return usage(metrics.get("inputTokenCount"), metrics.get("outputTokenCount"))


METRICS = "amazon-bedrock-invocationMetrics"
"""The field in which Bedrock writes them. It may come in an event of its own, which then has nothing of the model's."""
