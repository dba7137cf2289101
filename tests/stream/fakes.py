"""The streaming path's interfaces to AWS, implemented in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from streaming.application import Application
from streaming.pipeline import StreamingPipeline
from streaming.preparation import Preparation
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.hooks.contract import HookCall, HookReport
from tollgate_layer.inference.pipeline.before_model import Invocation


def chunk(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    """An event of a chat in OpenAI's format."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


def answer(text: str) -> dict[str, Any]:
    """A whole answer of a chat in OpenAI's format."""
    return {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}


class FakeRecords:
    """Records by name; an ApiError in place of a text is raised."""

    def __init__(self, records: dict[str, str | ApiError]) -> None:
        self.records = records
        self.reads = 0

    async def get(self, name: str) -> str | None:
        self.reads += 1
        found = self.records.get(name)
        if isinstance(found, ApiError):
            raise found
        return found


class FakeModel:
    """Each invocation takes the next script: a list of events, of seconds to wait, and of errors to raise."""

    def __init__(self, *scripts: list[Any]) -> None:
        self._scripts = list(scripts)
        self.invocations: list[Invocation] = []
        self.open = 0
        self.closed_early = 0

    async def invoke(self, invocation: Invocation) -> Any:
        async for events in self.stream(invocation):
            return events[0]
        raise AssertionError("the script has no answer")

    async def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        self.invocations.append(invocation)
        self.open += 1
        complete = False
        try:
            for step in self._scripts.pop(0):
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, int | float):
                    await asyncio.sleep(step)
                else:
                    yield [step]
            complete = True
        except ApiError:
            complete = True
            raise
        finally:
            self.open -= 1
            self.closed_early += not complete


class FakeModels:
    """Models by their ids."""

    def __init__(self, **models: FakeModel) -> None:
        self._models = models

    def invoke(self, invocation: Invocation) -> Awaitable[Any]:
        return self._models[invocation.model_id].invoke(invocation)

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        return self._models[invocation.model_id].stream(invocation)


class FakeFunctions:
    """The team's own functions: each call gets the next report, or what a Python function answers to its event."""

    def __init__(self, *reports: HookReport, answers: Callable[[dict], Any] | None = None) -> None:
        self._reports = list(reports)
        self._answers = answers
        self.events: list[dict[str, Any]] = []
        """The events of all calls, whole."""

    async def call(self, call: HookCall, body: str) -> HookReport:
        event = {**call.event, "body": body, "deadline_ms": int(call.timeout_s * 1000)}
        self.events.append(event)
        if self._answers is not None:
            return HookReport(answer=self._answers(event))
        return self._reports.pop(0)


class FakeShadows:
    """Keeps the requests of the shadows that are started."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    async def start(self, request: dict[str, Any]) -> None:
        self.requests.append(request)


def application(records: Any, model: Any, logger: Any, functions: Any = None, **settings: Any) -> Application:
    """The application around fakes; `settings` are its own, and `model_wait_s`."""
    functions = functions or FakeFunctions()
    shadows = settings.pop("shadows", None) or FakeShadows()
    pipeline = StreamingPipeline(model, lambda: functions, lambda: shadows, settings.pop("model_wait_s", 5.0))
    return Application(Preparation(records, lambda: functions), pipeline, logger, **settings)
