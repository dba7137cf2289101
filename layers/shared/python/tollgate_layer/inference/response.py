"""What the client gets."""

from __future__ import annotations

from typing import NamedTuple


class Response(NamedTuple):
    """An HTTP response; `body` is text, whatever its content type, `retry_after` is in seconds, or empty for none."""

    status: int
    content_type: str
    retry_after: str
    body: str
