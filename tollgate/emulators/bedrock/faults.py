"""Faults on demand, to test what goes wrong between a client and a model.

A script is a list of steps. Each invocation takes one, in order; after the last step invocations succeed:

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
    """Raised when a fault ends the connection in the middle of an answer; the server logs nothing about it."""


@dataclass(frozen=True, slots=True)
class Step:
    """The faults of one invocation, or of `times` invocations; a step without any fault lets them succeed."""

    __pydantic_config__: ClassVar[Any] = _FORBID_UNKNOWN_KEYS

    times: int | None = 1
    """How many invocations take this step; None means all that follow."""
    delay_seconds: float = 0
    """Wait before the first token."""
    after_tokens: int = 0
    """`error`, `stall_seconds` and `break_connection` happen after so many tokens."""
    stall_seconds: float = 0
    error: str | None = None
    """A code of errors.STATUS_BY_CODE. In a stream that has begun it becomes an exception event."""
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    """Members of the exception beside its message, e.g. originalStatusCode."""
    break_connection: bool = False
    raw_body: str | None = None
    """Takes the place of the answer's body, or of the bytes of every chunk of a stream."""
    truncate_bytes: int | None = None
    """Break the connection after so many bytes of the body, though more are announced."""

    def __post_init__(self) -> None:
        if self.error is not None and self.error not in STATUS_BY_CODE:
            raise ValueError(f"error {self.error!r} is not one of {', '.join(STATUS_BY_CODE)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be 1 or more, or null for ever, not {self.times}")

    async def strike(self, tokens: int) -> None:
        """Let the faults happen that are due after so many tokens.

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
            message = self.message or "The script of faults asks for this error."
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
    """Refuse further invocations (ThrottlingException) while so many are in flight."""
    seconds_per_token: float = 0
    """A wait before each token, in real time."""
    _at: int = field(default=0, init=False)
    _struck: int = field(default=0, init=False)

    def next_step(self) -> Step:
        """Take the step of the next invocation."""
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
    """Read a script from its JSON form.

    Raises:
        ValueError: the script is wrong; the message has every member at fault.
    """
    # Imported here because pydantic costs more than the rest of the server, and few processes set faults.
    from pydantic import TypeAdapter

    return TypeAdapter(FaultScript).validate_python(raw)
