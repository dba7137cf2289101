"""The application around fakes, and its log."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from streaming.application import Application
from tests.stream.asgi import CHAT, Received, request
from tests.stream.fakes import FakeModel, FakeRecords, application

ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = HELLO | {"stream": True}


def record(**variant: Any) -> str:
    """The record of the model `m` with one variant."""
    return json.dumps({"model": "m", "variants": [{"name": "v1", "model_id": ARN, "body_format": "openai"} | variant]})


FAKES = ("records", "functions", "shadows")
"""What `ask` hands on to the application beside limits."""


class Log:
    """The log lines of the application, as JSON."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        # Loggers of one service share a handler.
        self.logger = Logger(service=f"stream-{uuid.uuid4()}", stream=self._stream, level="INFO")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def take(self) -> list[dict[str, Any]]:
        """The lines since this was asked the last time."""
        lines = self.lines
        self._stream.seek(0)
        self._stream.truncate()
        return lines


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def make_app(log: Log) -> Callable[..., Application]:
    """An application whose model follows the scripts."""

    def make(
        model: FakeModel, records: dict[str, Any] | None = None, functions: Any = None, **settings: float
    ) -> Application:
        limits = {"model_wait_s": 5.0, "timeout_s": 10.0, "comment_interval_s": 5.0} | settings
        return application(FakeRecords(records or {"m": record()}), model, log.logger, functions, **limits)

    return make


@pytest.fixture
def ask(make_app: Callable[..., Application]) -> Callable[..., Received]:
    """Send one chat to an application whose model follows the scripts."""

    def ask(model: FakeModel, body: Any = None, path: str = CHAT, **options: Any) -> Received:
        settings = {
            name: options.pop(name)
            for name in list(options)
            if name.endswith("_s") or name in ("records", "functions", "shadows")
        }

        async def run() -> Received:
            return await request(make_app(model, **settings), path, body or STREAM, **options)

        return asyncio.run(run())

    return ask
