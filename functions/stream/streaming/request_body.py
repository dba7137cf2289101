"""Reads the body of a request."""

from __future__ import annotations

from streaming.asgi import Receive
from streaming.disconnect import ClientGoneError
from tollgate_layer.inference.failures.errors import RequestError

# Lambda takes events of 6 MiB. The body is a JSON string in one, beside headers and context.
MAX_BODY_BYTES = 6_000_000


async def read_body(receive: Receive) -> str:
    """Read the whole body as text.

    Raises:
        RequestError: `request_too_large`, or `invalid_json` if it is not UTF-8.
        ClientGoneError: the client disconnects before the end of the body.
    """
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            # The table's message points to this very base URL, as the one that takes larger requests.
            reason = f"The request is larger than {MAX_BODY_BYTES} bytes, the most that this base URL takes."
            raise RequestError("request_too_large", reason)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RequestError("invalid_json", "The body is not UTF-8.") from None
