"""What OpenAI's two completion routes share: checking a body, server-sent events, usage, errors.

https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from typing import NoReturn

from tollgate_layer.inference import schemas
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject, parse_sound_json, to_json
from tollgate_layer.inference.response import EVENT_STREAM, Response

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": waiting for the model\n\n"
"""A comment. Clients skip lines that begin with a colon:
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""
_OTHER_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def read_body(body: str, schema: str) -> JsonObject:
    """The JSON object in a body, checked against a schema; parameters that are null are left out, known or not.

    Raises:
        RequestError: `invalid_json` or `invalid_parameter`.
    """
    return checked(parse_body(body), schema)


def parse_body(body: str) -> JsonObject:
    """The JSON object in a body. Raises RequestError: `invalid_json`."""
    try:
        document = parse_sound_json(body)
    except ValueError as error:
        raise RequestError("invalid_json", str(error)) from None
    if not isinstance(document, dict):
        raise RequestError("invalid_json", "The body must be a JSON object.")
    return document


def checked(document: JsonObject, schema: str) -> JsonObject:
    """The document without its nulls, checked against a schema.

    The schema only checks. What goes on is the client's own JSON, so that no message loses a field on the way
    (docs/decisions/0003).

    Raises:
        RequestError: `invalid_parameter`.
    """
    # Clients write null for what they leave to the server; from here on, missing is the one way to say so.
    fields = {}
    for name, value in document.items():
        if value is not None:
            fields[name] = value
    fault = schemas.first_fault(schema, fields)
    if fault is not None:
        raise RequestError("invalid_parameter", f"{fault.location}: {fault.reason}", param=fault.location)
    return fields


def refuse_parameter(param: str, reason: str) -> NoReturn:
    """Raises RequestError: `param` has a value that the schema alone could not refuse."""
    raise RequestError("invalid_parameter", f"{param}: {reason}.", param=param)


def stop_sequences(document: JsonObject) -> tuple[str, ...]:
    """The request's stop sequences, of which there may be one alone; an empty one stops nothing."""
    stop = document.get("stop", [])
    if isinstance(stop, str):
        stop = [stop] if stop else []  # in a list, an empty text is refused by the schema
    return tuple(stop)


def include_usage(document: JsonObject) -> bool:
    """Whether a stream is to end with its usage."""
    wanted: bool = document.get("stream_options", {}).get("include_usage", False)
    return wanted


def head(spec: CompletionSpec, kind: str) -> JsonObject:
    """The first fields of a completion or chunk; `kind` is the name of its type."""
    return {
        "id": spec.id,
        "object": kind,
        "created": spec.created,
        "model": spec.model,
        "system_fingerprint": spec.system_fingerprint,
    }


def usage_or_none(usage: Usage) -> JsonObject | None:
    """Token counts; None unless the model gave both, since half of them would be read as a sum."""
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return {**usage._asdict(), "total_tokens": usage.prompt_tokens + usage.completion_tokens}


def event(value: JsonObject, name: str | None = None) -> bytes:
    """One server-sent event, of a type where it has a `name`.

    A line of it ends at a line feed. Many clients' readers also split at the three characters beyond ASCII that
    Unicode calls ends of lines, so these are written as escapes, which is the same JSON.
    """
    data = to_json(value)
    if not data.isascii():
        for character, escape in _OTHER_LINE_ENDS.items():
            data = data.replace(character, escape)
    if name is None:
        return f"data: {data}\n\n".encode()
    return f"event: {name}\ndata: {data}\n\n".encode()


class Chunks:
    """Writes the chunks of one stream; `kind` is the name of their type."""

    def __init__(self, spec: CompletionSpec, kind: str) -> None:
        self._include_usage = spec.include_usage
        self._head = head(spec, kind)

    def chunk(self, choices: list[JsonObject], usage: JsonObject | None = None) -> bytes:
        """One event. Where usage is asked for, every chunk has the field, and all but the last have null in it."""
        fields = {**self._head, "choices": choices}
        if self._include_usage:
            fields["usage"] = usage
        return event(fields)

    def end(self, usage: Usage) -> bytes:
        """The last events: usage where it was asked for, and the end mark."""
        if not self._include_usage:
            return DONE
        return self.chunk([], usage_or_none(usage)) + DONE

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """The last event of a stream that failed."""
        return event(error.body(request_id))


class OpenAIErrors:
    """Streams as server-sent events, and failures as OpenAI writes them; a base of the dialects that do so, too."""

    streams: bool | None = None
    stream_type = EVENT_STREAM
    keep_alive = KEEP_ALIVE

    def answer_headers(self, spec: CompletionSpec) -> dict[str, str]:
        """None but those of every answer."""
        return {}

    def whole_event(self, body: str) -> bytes:
        """The body as one event, a line of data for each of its lines, and the end mark."""
        lines = "".join([f"data: {line}\n" for line in body.split("\n")])
        return f"{lines}\n".encode() + DONE

    def write_error(self, error: ApiError, request_id: str) -> Response:
        """The response to a failure."""
        body = to_json(error.body(request_id))
        return Response(error.kind.status, "application/json", error.retry_after_header, body)
