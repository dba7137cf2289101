"""Where a record's variants run, on Bedrock or on SageMaker endpoints; and what few records need is made when asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from streaming.interfaces import Functions, Model, Shadows
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.pipeline.before_model import Invocation

if TYPE_CHECKING:
    from tollgate_layer.inference.hooks.contract import HookCall, HookReport


class Backends:
    """Passes an invocation on to where its model runs; `sagemaker` makes the model of endpoints, when one is asked."""

    def __init__(self, bedrock: Model, sagemaker: Callable[[], Model]) -> None:
        self._bedrock = bedrock
        self._make_sagemaker = sagemaker
        self._sagemaker: Model | None = None

    async def invoke(self, invocation: Invocation) -> Any:
        """See `interfaces.Model`."""
        return await self._model_of(invocation).invoke(invocation)

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `interfaces.Model`."""
        return self._model_of(invocation).stream(invocation)

    def _model_of(self, invocation: Invocation) -> Model:
        if invocation.endpoint is None:
            return self._bedrock
        if self._sagemaker is None:
            self._sagemaker = self._make_sagemaker()
        return self._sagemaker


class LateFunctions:
    """The team's own functions, whose client `make` makes when the first hook is called."""

    def __init__(self, make: Callable[[], Functions]) -> None:
        self._make = make
        self._functions: Functions | None = None

    async def call(self, call: HookCall, body: str) -> HookReport:
        """See `interfaces.Functions`."""
        if self._functions is None:
            self._functions = self._make()
        return await self._functions.call(call, body)


class LateShadows:
    """The executions of shadows, whose client `make` makes with the first one."""

    def __init__(self, make: Callable[[], Shadows]) -> None:
        self._make = make
        self._shadows: Shadows | None = None

    async def start(self, request: JsonObject) -> None:
        """See `interfaces.Shadows`."""
        if self._shadows is None:
            self._shadows = self._make()
        await self._shadows.start(request)
