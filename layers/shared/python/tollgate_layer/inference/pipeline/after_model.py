"""Steps after the model: answer → completion → response. Postprocess takes them; a stream does, event by event."""

from __future__ import annotations

from typing import Any, NamedTuple

from tollgate_layer.inference import dialects
from tollgate_layer.inference.answer_reader import AnswerReader, Outcome
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Completion, Delta, add_up
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.json_text import is_too_deep
from tollgate_layer.inference.response import Response


class Completed(NamedTuple):
    """A completion as the client's response, and what the log says of it.

    `completion` is there, too, where a hook is to see it, or on demand.
    """

    response: Response
    outcome: Outcome
    completion: Completion | None = None


def complete(spec: CompletionSpec, answer: Any, *, with_completion: bool = False) -> Completed:
    """The client's response to a model's whole answer, given as parsed JSON.

    Raises:
        AnswerError: the answer cannot be read, or has no choices.
    """
    if is_too_deep(answer):  # on the step path it was parsed by others, who may take any depth
        raise AnswerError
    reader = AnswerReader(spec)
    parts = FORMATS[spec.body_format].read(answer, whole=True)
    deltas = [*reader.feed(parts), *reader.finish()]
    if not deltas:
        raise AnswerError
    completion = add_up(deltas, reader.usage) if spec.after is not None or with_completion else None
    return Completed(respond(spec, deltas, reader.usage), reader.outcome(), completion)


def respond(spec: CompletionSpec, deltas: list[Delta], usage: Usage) -> Response:
    """The client's response that the deltas of a whole completion come to."""
    dialect = dialects.find(spec.dialect)
    if spec.stream:
        # The step path has the whole answer before it can send a byte: all of the stream's events at once.
        writer = dialect.event_writer(spec)
        events = b"".join([writer.write(delta) for delta in deltas]) + writer.end(usage)
        response = Response(200, dialect.stream_type, "", events.decode())
    else:
        body = dialect.write(spec, add_up(deltas, usage))
        response = Response(200, "application/json", "", body)
    return response.with_headers(dialects.completion_headers(spec))
