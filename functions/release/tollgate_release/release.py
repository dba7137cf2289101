"""A release as the release table keeps it: all that its steps know of each other."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tollgate_release.options import Options

_MOST_EVENTS = 60
RUNNING = ("check", "import_model", "warm", "smoke", "shift", "judge", "promote", "roll_back")


@dataclass(slots=True)
class Release:
    """One release of one variant of a model. Times are in seconds since 1970.

    `stage` is the step that comes next, or `done`. `order` is what somebody wants of it: `pause`, `abort`, or nothing.
    `events` are its history, at most one for each stage and step.
    """

    model: str
    variant: str
    source: str
    options: Options
    started_at: float
    started_by: str
    digest: str = ""
    stage: str = "check"
    version: int = 0
    execution_arn: str = ""
    order: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    # What the steps found.
    plan: dict[str, Any] = field(default_factory=dict)
    candidate: dict[str, Any] = field(default_factory=dict)
    import_started_at: float | None = None
    import_seconds: float | None = None
    queued_since: float | None = None
    model_arn: str | None = None
    custom_model_units: int | None = None
    stable: str | None = None
    warming_since: float | None = None
    cold_start_seconds: float | None = None
    smoke_index: int = 0
    smoke_failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    step_index: int = -1
    step_since: float | None = None
    canary_since: float | None = None
    last_ping: float = 0.0
    was_slow: bool = False
    blind_looks: int = 0
    replayed: int = 0
    replay_failures: list[int] = field(default_factory=lambda: [0, 0])
    figures: dict[str, Any] = field(default_factory=dict)
    holds_record: bool = False
    tries: int = 0
    # How it ended.
    result: str = ""
    exit_code: int = 0
    message: str = ""
    revision: int = 0
    ended_at: float | None = None
    retire_at: float | None = None

    @property
    def id(self) -> str:
        """What `releasing` in the model table says while this release holds the record."""
        return f"{self.model}/{self.variant}"

    @property
    def address(self) -> str:
        """How a request names the new variant."""
        return f"{self.model}@{self.variant}"

    def note(self, now: float, stage: str, detail: str) -> None:
        """Add to the history; what says the same as the last event only renews it."""
        event = {"at": round(now, 3), "stage": stage, "detail": detail}
        if self.events and self.events[-1]["stage"] == stage and stage in ("importing", "warming", "canary", "queued"):
            self.events[-1] = {**event, "since": self.events[-1].get("since", self.events[-1]["at"])}
        else:
            self.events.append(event)
        del self.events[:-_MOST_EVENTS]

    def finish(self, now: float, result: str, exit_code: int, message: str) -> None:
        """Say how it ended; a first ending is not overwritten by a later one."""
        if not self.result:
            self.result, self.exit_code, self.message = result, int(exit_code), message
        self.ended_at = now

    def as_json(self) -> dict[str, Any]:
        """The release as its item's document."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Release:
        """The release in an item's document; fields of a newer version are left out."""
        known = {one.name for one in fields(cls)}
        found = {name: value for name, value in document.items() if name in known}
        option_names = {one.name for one in fields(Options)}
        options = {name: value for name, value in found.pop("options").items() if name in option_names}
        return cls(options=Options(**options), **found)
