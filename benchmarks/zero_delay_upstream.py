"""DynamoDB's GetItem and Bedrock's two invocations, answered at once with the same bytes each time.

`python -m benchmarks.zero_delay_upstream` prints its port and serves until its standard input ends. It does as little
as HTTP allows, so that what is measured through it is the gateway before it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import sys
from binascii import crc32
from typing import cast

TOKENS = [" word"] * 15
PROMPT_TOKENS = 20
MODEL_ID = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
RECORD = {"model": "bench", "variants": [{"name": "v1", "model_id": MODEL_ID, "body_format": "openai"}]}


class Upstream(asyncio.Protocol):
    """One connection; requests do not overlap on it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= _content_length(head):
            self._received = b""
            for answer in _answers(head):
                self._transport.write(answer)


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0])


def _answers(head: bytes) -> list[bytes]:
    if b"GetItem" in head:
        return [_GET_ITEM]
    return _STREAM if b"invoke-with-response-stream" in head.split(b"\r\n", 1)[0] else [_WHOLE]


def _json_answer(document: object) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _choice(delta: dict[str, object], finish_reason: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _frame(event: object) -> bytes:
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    headers = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack("!H", len(value)) + value
        for name, value in ((b":event-type", b"chunk"), (b":message-type", b"event"))
    )
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return message + struct.pack("!I", crc32(message))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_USAGE = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": len(TOKENS)}
_METRICS = {"inputTokenCount": PROMPT_TOKENS, "outputTokenCount": len(TOKENS)}
_GET_ITEM = _json_answer({"Item": {"model": {"S": "bench"}, "record": {"S": json.dumps(RECORD)}}})
_WHOLE = _json_answer(
    {"choices": [{"index": 0, "message": {"content": "".join(TOKENS)}, "finish_reason": "stop"}], "usage": _USAGE}
)
_STREAM = [
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n",
    *(_chunk(_frame(_choice({"content": token}))) for token in TOKENS),
    _chunk(_frame(_choice({}, "stop") | {"amazon-bedrock-invocationMetrics": _METRICS})) + b"0\r\n\r\n",
]


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    run(main())
