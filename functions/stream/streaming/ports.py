"""What the streaming path asks of AWS."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from tollgate_layer.inference.invocation import Invocation


class Records(Protocol):
    """Where model records are."""

    async def get(self, name: str) -> str | None:
        """The text of a model's record; None where there is no such model.

        Raises:
            ApiError: the records cannot be read.
        """


class Model(Protocol):
    """Where models are invoked, once for each call."""

    async def invoke(self, invocation: Invocation) -> Any:
        """The model's whole answer, as JSON.

        Raises:
            ApiError: the invocation fails.
        """

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """The events of the model's answer, each JSON; those that came together are given together.

        Closing the generator ends the invocation.

        Raises:
            ApiError: the invocation fails, or its events end with an error.
        """
