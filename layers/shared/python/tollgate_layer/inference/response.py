"""What the client gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

EVENT_STREAM = "text/event-stream; charset=utf-8"
"""The content type of server-sent events. They are UTF-8 without saying so; some clients take unsaid for Latin-1."""


class Response(NamedTuple):
    """An HTTP response; `body` is text, whatever its content type.

    The other texts are headers, empty for those that the response does not have: `retry_after` is in seconds,
    `ignored` names what the request asked for in vain; `error_type`, `variant` and `custom_attributes` are for AWS's
    SDKs, as is `streamed_type`, what the frames of a stream hold.
    """

    status: int
    content_type: str
    retry_after: str
    body: str
    # With a default, since an execution under way may end in a response that an older version made.
    ignored: str = ""
    error_type: str = ""
    variant: str = ""
    custom_attributes: str = ""
    streamed_type: str = ""

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        """The response with further headers, by the names of their fields."""
        changes: dict[str, Any] = dict(headers)
        return self._replace(**changes)


HEADERS = {
    "retry_after": "Retry-After",
    "ignored": "x-tollgate-ignored",
    "error_type": "x-amzn-ErrorType",
    "variant": "x-Amzn-Invoked-Production-Variant",
    "custom_attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "streamed_type": "X-Amzn-SageMaker-Content-Type",
}
"""The fields of a `Response` that are headers, with the names that they have on the wire."""
