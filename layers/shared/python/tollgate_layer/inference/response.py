"""What the client gets."""

from __future__ import annotations

from typing import NamedTuple

EVENT_STREAM = "text/event-stream; charset=utf-8"
"""The content type of server-sent events. They are UTF-8 without saying so; some clients take unsaid for Latin-1."""


class Response(NamedTuple):
    """An HTTP response; `body` is text, whatever its content type, `retry_after` is in seconds, or empty for none."""

    status: int
    content_type: str
    retry_after: str
    body: str
