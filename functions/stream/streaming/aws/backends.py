"""Where a record's variants run, on Bedrock or on SageMaker endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from streaming.interfaces import Model
from tollgate_layer.inference.pipeline.before_model import Invocation


class Backends:
    """Passes an invocation on to where its model runs; `sagemaker` gives the models of endpoints, when one is asked."""

    def __init__(self, bedrock: Model, sagemaker: Callable[[], Model]) -> None:
        self._bedrock = bedrock
        self._sagemaker = sagemaker

    async def invoke(self, invocation: Invocation) -> Any:
        """See `interfaces.Model`."""
        return await self._model_of(invocation).invoke(invocation)

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """See `interfaces.Model`."""
        return self._model_of(invocation).stream(invocation)

    def _model_of(self, invocation: Invocation) -> Model:
        return self._bedrock if invocation.endpoint is None else self._sagemaker()
