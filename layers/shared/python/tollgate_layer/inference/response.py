"""The client's answer: to a model's answer, or to a failure of any step.

A client's mistake is data: every failure becomes a response here, and nothing raises for it later.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tollgate_layer.inference.body_formats import FORMATS
from tollgate_layer.inference.completion import ChunkWriter, completion
from tollgate_layer.inference.failures.errors import AnswerError, ApiError, to_json
from tollgate_layer.inference.reader import CompletionReader
from tollgate_layer.inference.spec import CompletionSpec


class Response(NamedTuple):
    """What the client gets; `body` is text, whatever its content type; `retry_after` is seconds, or empty."""

    status: int
    content_type: str
    retry_after: str
    body: str


class Answered(NamedTuple):
    """A completion as a response, and what the log says of it."""

    response: Response
    reader: CompletionReader


def respond(spec: CompletionSpec, answer: Any) -> Answered:
    """The client's answer to a model's answer.

    Raises:
        AnswerError: the model's answer cannot be read, or has no choices.
    """
    reader = CompletionReader(spec)
    deltas = [*reader.feed(FORMATS[spec.body_format].read(answer)), *reader.finish()]
    if not deltas:
        raise AnswerError
    if spec.stream:
        writer = ChunkWriter(spec)
        body = "".join(map(writer.write, deltas)) + writer.end(reader.usage)
        return Answered(Response(200, "text/event-stream", "", body), reader)
    body = to_json(completion(spec, deltas, reader.usage))
    return Answered(Response(200, "application/json", "", body), reader)


def refuse(error: ApiError, request_id: str) -> Response:
    """The client's answer to a failure."""
    retry_after = "" if error.retry_after is None else str(error.retry_after)
    return Response(error.kind.status, "application/json", retry_after, to_json(error.body(request_id)))
