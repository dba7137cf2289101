"""Faults of import jobs on demand, to test what a release does about them.

A script is a list of steps. Each CreateModelImportJob that would start a job takes one, in order; after the last step
jobs end as their artifacts let them:

    {"steps": [{"error": "ThrottlingException", "times": 2}, {"failure_message": "…"}, {"seconds": 900}]}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from tollgate.emulators.bedrock.errors import STATUS_BY_CODE, ServiceError

_FORBID_UNKNOWN_KEYS = {"extra": "forbid", "strict": False}


@dataclass(frozen=True, slots=True)
class ImportStep:
    """What happens to one job, or to `times` jobs; a step without anything lets them go on."""

    __pydantic_config__: ClassVar[Any] = _FORBID_UNKNOWN_KEYS

    times: int | None = 1
    """How many jobs take this step; None means all that follow."""
    error: str | None = None
    """A code of errors.STATUS_BY_CODE, which CreateModelImportJob answers; no job is started."""
    message: str = ""
    failure_message: str = ""
    """The job fails with it."""
    seconds: float | None = None
    """How long the job takes, in seconds of model time; None: as the settings say."""

    def __post_init__(self) -> None:
        if self.error is not None and self.error not in STATUS_BY_CODE:
            raise ValueError(f"error {self.error!r} is not one of {', '.join(STATUS_BY_CODE)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be 1 or more, or null for ever, not {self.times}")
        if self.seconds is not None and not self.seconds >= 0:
            raise ValueError(f"seconds must be 0 or more, not {self.seconds}")

    def refuse(self) -> None:
        """Raises ServiceError: the step's error, if it has one."""
        if self.error is not None:
            raise ServiceError(self.error, self.message or "The script of import faults asks for this error.")


_NO_FAULT = ImportStep()


@dataclass(slots=True)
class ImportScript:
    """The faults of the account's import jobs."""

    __pydantic_config__: ClassVar[Any] = _FORBID_UNKNOWN_KEYS

    steps: list[ImportStep] = field(default_factory=list)
    _taken: int = field(default=0, init=False)

    def next_step(self) -> ImportStep:
        """Take the step of the next job."""
        if not self.steps:
            return _NO_FAULT
        step = self.steps[0]
        self._taken += 1
        if step.times is not None and self._taken >= step.times:
            self.steps, self._taken = self.steps[1:], 0
        return step


def parse_import_script(raw: Any) -> ImportScript:
    """Read a script from its JSON form.

    Raises:
        ValueError: the script is wrong; the message has every member at fault.
    """
    # Imported here because pydantic costs more than the rest of the server, and few processes set faults.
    from pydantic import TypeAdapter

    return TypeAdapter(ImportScript).validate_python(raw)
