"""What the dialects of AWS's runtimes share: bodies by what they hold, the model's name, errors and frames."""

from __future__ import annotations

from typing import NamedTuple

from tollgate_layer.inference.aws_frames import CONTENT_TYPE, keep_alive_frame
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import Dialect, openai, openai_chat, openai_completions
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject, to_json
from tollgate_layer.inference.request import IncomingRequest, Request
from tollgate_layer.inference.response import Response


class AwsError(NamedTuple):
    """How a runtime of AWS tells a failure: its status, its name, and what its body has beside the message."""

    status: int
    name: str
    fields: JsonObject


class AwsDialect:
    """A base of the dialects of AWS's runtimes. `streams` says whether an operation answers with frames."""

    id_prefix = ""
    stream_type = CONTENT_TYPE
    keep_alive = keep_alive_frame()
    message_field = "message"
    """The field of an error's body that has its words."""

    def __init__(self, *, streams: bool = False) -> None:
        self.streams = streams

    def answer_headers(self, spec: CompletionSpec) -> dict[str, str]:
        """None but those of every answer."""
        return {}

    def whole_event(self, body: str) -> bytes | None:
        """None: the streams of most operations have types."""
        return None

    def aws_error(self, error: ApiError) -> AwsError:
        """The runtime's own error for one of ours."""
        raise NotImplementedError

    def write_error(self, error: ApiError, request_id: str) -> Response:
        """The response to a failure; AWS's SDKs find its name in a header."""
        told = self.aws_error(error)
        body = to_json({self.message_field: error.message, **told.fields})
        return Response(told.status, "application/json", error.retry_after_header, body, error_type=told.name)


def model_of(incoming: IncomingRequest) -> str:
    """The model that the path names, and its variant where a header does: SageMaker's endpoint names may have capitals.

    An ARN stands for the name behind its last slash.
    """
    name = incoming.given.get("model", "").rsplit("/", 1)[-1].lower()
    variant = incoming.given.get("target_variant", "")
    return f"{name}@{variant}" if variant else name


_OPENAIS: dict[str | None, Dialect] = {"chat": openai_chat.DIALECT, "completion": openai_completions.DIALECT}
"""The shape of a request's body, as `CompletionSpec.kept` has it → the dialect in whose shape the answer is."""


def in_openais_shape(spec: CompletionSpec) -> tuple[Dialect, CompletionSpec] | None:
    """The dialect that writes the answer, and the spec by which it does; None where the answer is not OpenAI's."""
    dialect = _OPENAIS.get((spec.kept or {}).get("shape"))
    if dialect is None:
        return None
    return dialect, spec._replace(id=dialect.id_prefix + spec.id)


def read_chat(document: JsonObject, incoming: IncomingRequest, *, streams: bool) -> Request:
    """The request in a body of OpenAI's chats, whose model the path names."""
    document = {**document, "model": model_of(incoming), "stream": streams}
    return openai_chat.read_document(openai.checked(document, "chat_completions"), incoming)


def read_completion(document: JsonObject, incoming: IncomingRequest, *, streams: bool) -> Request:
    """The request in a body of OpenAI's text completions, whose model the path names."""
    document = {**document, "model": model_of(incoming), "stream": streams}
    return openai_completions.read_document(openai.checked(document, "completions"), incoming)
