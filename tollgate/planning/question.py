"""What is to be planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tollgate.costs.formula import HOURS_PER_MONTH

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from tollgate.emulators.bedrock.profiles import Profile
    from tollgate.planning.trace import Trace


class Question(NamedTuple):
    """A load, a model of so many units with its profile, and what it is compared with."""

    trace: Trace
    profile: Profile
    units: int
    instance: str
    """The SageMaker instance to compare with."""
    zone: ZoneInfo
    """Of the hours in policies."""
    hours: float
    """How long the load lasts."""

    @property
    def months(self) -> float:
        """How long the load lasts, in months of 730 hours."""
        return self.hours / HOURS_PER_MONTH
