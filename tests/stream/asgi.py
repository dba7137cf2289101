"""An HTTP client of an ASGI application in this process: no server, no socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    """What the application sent, piece by piece, and after how many seconds."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    complete: bool = False

    @property
    def text(self) -> str:
        return b"".join(self.pieces).decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """The data of server-sent events; `[DONE]` stays text, comments are left out."""
        data = [line.removeprefix("data: ") for line in self.text.split("\n") if line.startswith("data: ")]
        return [json.loads(item) if item.startswith("{") else item for item in data]

    @property
    def comments(self) -> list[str]:
        return [line for line in self.text.split("\n") if line.startswith(":")]

    @property
    def content(self) -> str:
        """The text in all chunks of a chat."""
        choices = [event["choices"][0] for event in self.events if isinstance(event, dict) and event.get("choices")]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


CHAT = "/stream/v1/chat/completions"
COMPLETIONS = "/stream/v1/completions"


async def request(
    app: Any,
    path: str = CHAT,
    body: bytes | dict[str, Any] | None = None,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    leave_after_pieces: int | None = None,
    on_end: Callable[[], None] = lambda: None,
) -> Received:
    """Send one request; a client that leaves goes as soon as it has so many pieces of the answer.

    `on_end` is called at the moment when the answer ends.
    """
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    raw = {"content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in raw.items()],
    }
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    half = len(content) // 2
    incoming.put_nowait({"type": "http.request", "body": content[:half], "more_body": True})
    incoming.put_nowait({"type": "http.request", "body": content[half:]})
    received = Received()
    started = asyncio.get_running_loop().time()

    def leave_if_due() -> None:
        if leave_after_pieces is not None and len(received.pieces) >= leave_after_pieces:
            incoming.put_nowait({"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            received.status = message["status"]
            received.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        if message.get("body"):
            received.pieces.append(message["body"])
            received.times.append(asyncio.get_running_loop().time() - started)
        received.complete = not message.get("more_body", False)
        if received.complete:
            on_end()
        leave_if_due()

    leave_if_due()
    await app(scope, incoming.get, send)
    return received
