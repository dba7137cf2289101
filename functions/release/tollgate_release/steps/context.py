"""What a step works with, and how it says what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate_release.release import Release
from tollgate_release.release_table import Change
from tollgate_release.weights import weights

if TYPE_CHECKING:
    from tollgate_release.model_table import StoredRecord
    from tollgate_release.services import Services

_SAVES = 5


class NextStep(NamedTuple):
    """The step that comes next (`done` for none), and after how many seconds."""

    next: str
    wait_seconds: float = 0


@dataclass(slots=True)
class Context:
    """A release, the stack, and the time; `release` is saved after the step."""

    release: Release
    services: Services
    now: float

    def save(self) -> None:
        """Write the release; an order that came meanwhile is taken over into it.

        Raises:
            RuntimeError: somebody else writes it all the time.
        """
        release = self.release
        for _ in range(_SAVES):
            document = release.as_json()
            if self.services.releases.put_release(release.model, release.variant, document):
                release.version = document["version"]
                return
            stored = self.services.releases.get_release(release.model, release.variant)
            if stored is not None:
                release.version = stored["version"]
                release.order = stored.get("order", "")
        raise RuntimeError("the release is written by somebody else all the time")

    def write_record(self, stored: StoredRecord | None, record: dict[str, Any], verb: str, *, hold: bool) -> None:
        """Write the model's record, with a line in its audit; `hold` keeps others from changing it.

        Raises:
            RecordChanged: somebody changed it since it was read.
        """
        release, records = self.release, self.services.records
        written = records.models.put(
            record,
            revision=stored.revision if stored else 0,
            who=self.services.who,
            now=self.now,
            mine=release.id,
            releasing=release.id if hold else None,
        )
        release.revision = written.revision
        release.holds_record = hold
        before = weights(stored.record) if stored else {}
        change = Change(self.now, self.services.who, verb, written.revision, before, weights(record), release.id)
        records.releases.note_change(release.model, change)

    def answer(self, outcome: NextStep) -> dict[str, Any]:
        """What the step answers to whoever runs it."""
        release = self.release
        answer: dict[str, Any] = {
            "next": outcome.next,
            "wait_seconds": max(0, round(outcome.wait_seconds)),
            "model": release.model,
            "release": release.variant,
        }
        if outcome.next == "done":
            answer |= {"result": release.result, "exit_code": release.exit_code, "message": release.message}
        return answer
