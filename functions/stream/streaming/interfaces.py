"""The interfaces through which the streaming path reaches AWS.

`aws/` implements them; tests put fakes in their place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Protocol

from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.pipeline.before_model import Invocation

if TYPE_CHECKING:
    from tollgate_layer.inference.hooks.contract import HookCall, HookReport


class Records(Protocol):
    """Reads model records by the name of the model."""

    async def get(self, name: str) -> str | None:
        """Read a model's record as JSON text; None if there is no such model.

        Raises:
            ApiError: the record cannot be read.
        """


class Model(Protocol):
    """Invokes models. Each method invokes once: trying again is up to the caller."""

    async def invoke(self, invocation: Invocation) -> Any:
        """Invoke a model and return its whole answer as parsed JSON.

        Raises:
            ApiError: the invocation fails.
        """

    def stream(self, invocation: Invocation) -> AsyncGenerator[list[Any]]:
        """Invoke a model and yield the events of its answer as parsed JSON.

        Events that arrived in one network read are yielded as one list, so that they can go on in one write.
        Closing the generator ends the invocation.

        Raises:
            ApiError: the invocation fails, or its events end with an error. The events before it are yielded first.
        """


class Functions(Protocol):
    """Calls the team's own functions."""

    async def call(self, call: HookCall, body: str) -> HookReport:
        """Call a hook; `body` is the client's text. It never raises: a failure is in the report."""


class Shadows(Protocol):
    """Starts the executions in which another variant is asked what a client has asked."""

    async def start(self, request: JsonObject) -> None:
        """Start one, by the input of an execution. It never raises: a shadow that does not start is none."""
