"""A hook's own response as the event of a stream."""

from __future__ import annotations

from tollgate_layer.inference.dialects import Dialect
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.response import Response


def whole_event(dialect: Dialect, response: Response) -> bytes:
    """The frame in which a client's SDK gets a response that the model did not stream.

    Raises:
        ApiError: hook_failed, since the dialect's events have types, and a text of the hook's own has none of them.
    """
    event = dialect.whole_event(response.body)
    if event is None:
        raise ApiError("hook_failed", upstream="ResponseToTypedStream")
    return event
