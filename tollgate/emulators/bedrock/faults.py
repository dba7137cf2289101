"""Faults on demand: what a test wants to go wrong with the next invocations of a model.

A script is a list of steps; each invocation takes one, in order, and after the last step all is well:

    {"steps": [{"error": "ModelNotReadyException", "times": 3}],
     "throttle_above": 4, "seconds_per_token": 0.05}
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tollgate.emulators.bedrock.errors import STATUS_BY_CODE, ServiceError

_FORBID_UNKNOWN_KEYS = {"extra": "forbid", "strict": False}


class ConnectionBrokenError(Exception):
    """When a fault ends the connection in the middle of an answer; the server logs nothing about it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one invocation suffers; a step without any effect is an invocation that succeeds."""

    __pydantic_config__: ClassVar[Any] = _FORBID_UNKNOWN_KEYS

    times: int | None = 1
    """For how many invocations; None: for all that follow."""
    delay_seconds: float = 0
    """Wait before the first token."""
    after_tokens: int = 0
    """When `error`, `stall_seconds` and `break_connection` happen: after so many tokens."""
    stall_seconds: float = 0
    error: str | None = None
    """A code of errors.STATUS_BY_CODE; after tokens were streamed it becomes an exception in the stream."""
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    """Members of the exception beside its message, e.g. originalStatusCode."""
    break_connection: bool = False
    raw_body: str | None = None
    """The whole answer's body, or the bytes of every chunk of a stream, instead of the model's."""
    truncate_bytes: int | None = None
    """End the connection after so many bytes of the body, though more are announced."""

    def __post_init__(self) -> None:
        if self.error is not None and self.error not in STATUS_BY_CODE:
            raise ValueError(f"error {self.error!r} is not one of {', '.join(STATUS_BY_CODE)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be 1 or more, or null for ever, not {self.times}")

    async def strike(self, tokens: int) -> None:
        """Do what is due once so many tokens were produced.

        Raises:
            ServiceError: the step's error.
            ConnectionBrokenError: the step breaks the connection.
        """
        if tokens == 0 and self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if tokens != self.after_tokens:
            return
        if self.stall_seconds:
            await asyncio.sleep(self.stall_seconds)
        if self.error is not None:
            message = self.message or f"The embedded Bedrock was told to answer with {self.error}."
            raise ServiceError(self.error, message, **self.fields)
        if self.break_connection:
            raise ConnectionBrokenError


_NO_FAULT = Step()


@dataclass(slots=True)
class FaultScript:
    """The faults of one model."""

    __pydantic_config__: ClassVar[Any] = _FORBID_UNKNOWN_KEYS

    steps: list[Step] = field(default_factory=list)
    throttle_above: int | None = None
    """Answer ThrottlingException while so many invocations are in flight."""
    seconds_per_token: float = 0
    """Wait before each token, real time."""
    _at: int = field(default=0, init=False)
    _struck: int = field(default=0, init=False)

    def next_step(self) -> Step:
        """The step of the next invocation."""
        if self._at >= len(self.steps):
            return _NO_FAULT
        step = self.steps[self._at]
        self._struck += 1
        if step.times is not None and self._struck >= step.times:
            self._at, self._struck = self._at + 1, 0
        return step

    def check_concurrency(self, in_flight: int) -> None:
        """Raises ServiceError (ThrottlingException) when one more invocation is too many."""
        if self.throttle_above is not None and in_flight >= self.throttle_above:
            raise ServiceError("ThrottlingException", "Too many requests, please wait before trying again.")


def parse_script(raw: Any) -> FaultScript:
    """A script from its JSON form.

    Raises:
        ValueError: what is wrong with it, member by member.
    """
    # Imported here because pydantic costs more than the rest of the server, and few processes set faults.
    from pydantic import TypeAdapter

    return TypeAdapter(FaultScript).validate_python(raw)
