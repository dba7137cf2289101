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

_MODULES = {
    "chat.completions": "openai_chat",
    "completions": "openai_completions",
}
"""The name of a dialect, as routes give it in api/contract.yaml → its module here, which holds a `DIALECT`."""


class EventWriter(Protocol):
    """Writes the server-sent events of one stream."""

    def write(self, delta: Delta) -> str:
        """The event, or events, of one delta."""

    def end(self, usage: Usage) -> str:
        """The last events of a stream that ended well."""


class Dialect(Protocol):
    """One wire shape. `id_prefix` stands before a request's id in the ids of its completions."""

    id_prefix: str

    def read(self, incoming: IncomingRequest) -> Request:
        """The request in a body. Raises RequestError: `invalid_json` or `invalid_parameter`."""

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        """The body of a whole completion."""

    def event_writer(self, spec: CompletionSpec) -> EventWriter:
        """A writer for the events of one stream."""

    def error_event(self, error: ApiError, request_id: str) -> str:
        """The last event of a stream that failed."""

    def write_error(self, error: ApiError, request_id: str) -> Response:
        """The response to a failure."""


@cache
def find(name: str) -> Dialect:
    """The dialect of this name. Raises KeyError where there is none: names come from the contract, not from clients."""
    module = import_module(f"{__name__}.{_MODULES[name]}")
    dialect: Dialect = module.DIALECT
    return dialect
