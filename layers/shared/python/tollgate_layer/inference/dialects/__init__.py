"""Wire shapes of the API: one file per dialect, each loaded when its first request comes.

A dialect turns a client's body into a `Request`, and writes what comes of it: a `Completion`, its deltas one by one,
or an error. What stands between knows no dialect.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tollgate_layer.inference.backends.body_format import Usage
    from tollgate_layer.inference.completion import Completion, Delta
    from tollgate_layer.inference.completion_spec import CompletionSpec
    from tollgate_layer.inference.failures.errors import ApiError
    from tollgate_layer.inference.request import IncomingRequest, Request
    from tollgate_layer.inference.response import Response

_PLACES = {
    "chat.completions": ("openai_chat", "DIALECT"),
    "completions": ("openai_completions", "DIALECT"),
    "responses": ("openai_responses", "DIALECT"),
    "sagemaker.invoke": ("sagemaker_runtime", "INVOKE"),
    "sagemaker.stream": ("sagemaker_runtime", "STREAM"),
    "bedrock.converse": ("bedrock_runtime", "CONVERSE"),
    "bedrock.converse_stream": ("bedrock_runtime", "CONVERSE_STREAM"),
    "bedrock.invoke": ("bedrock_runtime", "INVOKE"),
    "bedrock.invoke_stream": ("bedrock_runtime", "INVOKE_STREAM"),
}
"""The name of a dialect, as routes give it in api/contract.yaml → its module here, and its name in there."""


class EventWriter(Protocol):
    """Writes the events of one stream, as the bytes that go to the client: server-sent events, or AWS's frames."""

    def write(self, delta: Delta) -> bytes:
        """The event, or events, of one delta."""

    def end(self, usage: Usage) -> bytes:
        """The last events of a stream that ended well."""

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """The last event of a stream that failed, whether or not anything was written before."""


class Dialect(Protocol):
    """One wire shape.

    `id_prefix` stands before a request's id in the ids of its completions. `stream_type` is the content type of its
    streams, and `keep_alive` what a client of one may be sent at any time, to skip it.
    """

    id_prefix: str
    stream_type: str
    keep_alive: bytes

    @property
    def streams(self) -> bool | None:
        """Whether the answers on its routes are streams; None where each body says it."""

    def read(self, incoming: IncomingRequest) -> Request:
        """The request in a body. Raises RequestError: `invalid_json` or `invalid_parameter`."""

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        """The body of a whole completion."""

    def event_writer(self, spec: CompletionSpec) -> EventWriter:
        """A writer for the events of one stream."""

    def whole_event(self, body: str) -> bytes | None:
        """A stream that holds nothing but a hook's own body; None where a stream's types leave no room for it."""

    def answer_headers(self, spec: CompletionSpec) -> dict[str, str]:
        """Headers of a completion's response, whole or streamed, by the names of their fields in `Response`."""

    def write_error(self, error: ApiError, request_id: str) -> Response:
        """The response to a failure."""


def completion_headers(spec: CompletionSpec) -> dict[str, str]:
    """All headers of a completion's response, whole or streamed, by the names of their fields in `Response`."""
    return {"ignored": spec.ignored_header, **find(spec.dialect).answer_headers(spec)}


@cache
def find(name: str) -> Dialect:
    """The dialect of this name. Raises KeyError where there is none: names come from the contract, not from clients."""
    module_name, attribute = _PLACES[name]
    dialect: Dialect = getattr(import_module(f"{__name__}.{module_name}"), attribute)
    return dialect
