"""Changes of a model's record by hand: each is one conditional write, and one line in the audit.

They need no state machine, and so work when it does not. A release that runs meanwhile sees that the record is not as
it left it, and touches it no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, RecordBeingReleased, RecordChanged, aws_problem
from tollgate_release.records import RecordError, inspect_record
from tollgate_release.release_table import Change
from tollgate_release.weights import live_variants, variant_of, weights, with_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate_release.model_table import ModelTable, StoredRecord
    from tollgate_release.release_table import ReleaseTable

Record = dict[str, Any]
Gone: TypeAlias = "Callable[[str], bool]"
"""Says of a `model_id` whether its model is deleted."""
_TRIES = 5
"""How often an order is tried while others write the record."""


def _never(model_id: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes a record, when, and why."""

    who: str
    now: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made. `warnings` are sentences about what may not be meant, and what else could not be done."""

    model: str
    before: Record | None
    after: Record | None
    revision: int
    warnings: list[str]


class RecordChanges:
    """The records of a stack, to be changed by people and by releases."""

    def __init__(self, models: ModelTable, releases: ReleaseTable) -> None:
        self.models = models
        self.releases = releases

    def get(self, model: str) -> StoredRecord:
        """A model's record.

        Raises:
            Problem: there is none.
        """
        stored = self.models.get(model)
        if stored is None:
            raise Problem(f"There is no model {model!r}. These are there: tollgate record list", ExitCode.USAGE)
        return stored

    def put(self, text: str, author: Author, if_revision: int | None = None) -> Changed:
        """Check a record's text, and write it in place of the one that is there.

        Args:
            text: the record as JSON.
            author: who writes.
            if_revision: write only if the record still has this revision; by default, that which it has now.

        Raises:
            Problem: the text is no record, a release runs, or somebody else was faster.
        """
        try:
            checked = inspect_record(text)
        except RecordError as error:
            raise Problem("\n".join(error.problems), ExitCode.UNEXPECTED) from error
        model = checked.record["model"]
        stored = self.models.get(model)
        revision = _revision_to_write(model, stored, if_revision)
        self._refuse_in_release(stored)
        written = self.models.put(checked.record, revision=revision, who=author.who, now=author.now)
        before = stored.record if stored else None
        told = self._note("put", model, written.revision, before, written.record, author)
        return Changed(model, before, written.record, written.revision, checked.warnings + told)

    def delete(self, model: str, author: Author, if_revision: int | None = None) -> Changed:
        """Delete a model's record; its imported models stay.

        Raises:
            Problem: there is none, a release runs, or somebody else was faster.
        """
        stored = self.get(model)
        revision = _revision_to_write(model, stored, if_revision)
        self._refuse_in_release(stored)
        self.models.delete(model, revision=revision)
        told = self._note("delete", model, revision, stored.record, None, author)
        return Changed(model, stored.record, None, revision, told)

    def promote(self, model: str, variant: str | None, author: Author, is_gone: Gone = _never) -> Changed:
        """Give all requests to one variant; by default to the one that a release has brought.

        Args:
            model: whose requests.
            variant: its name.
            author: who gives the order.
            is_gone: whether the model of a `model_id` is deleted, so that nobody could be answered.

        Raises:
            Problem: there is no such variant, it is not clear which is meant, or its model is gone.
        """
        return self._give_all(model, lambda stored: variant or _candidate(stored), "promote", author, is_gone)

    def roll_back(self, model: str, to: str | None, author: Author, is_gone: Gone = _never) -> Changed:
        """Give all requests back to the variant that had them before, or to the one of a name.

        Raises:
            Problem: there is no such variant, it is not clear which is meant, or its model is gone.
        """
        return self._give_all(model, lambda stored: to or self._earlier(stored), "roll_back", author, is_gone)

    def _give_all(
        self, model: str, choose: Callable[[StoredRecord], str], verb: str, author: Author, is_gone: Gone
    ) -> Changed:
        """Give all requests to the variant that `choose` finds in the record, whatever it holds by now."""
        for tries_left in reversed(range(_TRIES)):
            stored = self.get(model)
            variant = choose(stored)
            after = with_all(stored.record, variant)
            if after == stored.record and stored.releasing is None:
                raise Problem(f"{variant} has all requests of {model} already.", ExitCode.USAGE)
            model_id = variant_of(stored.record, variant).get("model_id", "")
            if is_gone(model_id):
                text = (
                    f"{model}@{variant} points to {model_id}, which is gone: nobody would be answered. Nothing changed."
                )
                raise Problem(text, ExitCode.DRIFT)
            # Whoever gives an order by hand is meant, also in the middle of a release: its hold on the record ends.
            try:
                written = self.models.put(
                    after, revision=stored.revision, who=author.who, now=author.now, mine=stored.releasing
                )
                break
            except (RecordChanged, RecordBeingReleased):
                # Only weights are written, and the order is about these: it holds for the record as it is now.
                if not tries_left:
                    raise
        told = self._note(verb, model, written.revision, stored.record, after, author)
        told += self._tell_release(stored, verb)
        return Changed(model, stored.record, after, written.revision, told)

    def _tell_release(self, stored: StoredRecord, order: str) -> list[str]:
        """Tell the release that held the record; it would see by the record alone that it is to touch nothing more."""
        if stored.releasing is None:
            return []
        try:
            self.releases.give_order(stored.model, _released_variant(stored), order)
        except (ClientError, BotoCoreError, Problem) as error:
            return [f"The release {stored.releasing} could not be told; it ends at its next step. {error}"]
        return []

    def _note(
        self, verb: str, model: str, revision: int, before: Record | None, after: Record | None, author: Author
    ) -> list[str]:
        """Add a line to the audit. That it cannot be written is told, and does not undo the change."""
        earlier, later = weights(before) if before else {}, weights(after) if after else {}
        change = Change(author.now, author.who, verb, revision, earlier, later, author.reason)
        try:
            self.releases.note_change(model, change)
        except ClientError as error:
            return [f"The change is made, but has no line in the audit: {aws_problem(error)}"]
        except (BotoCoreError, Problem) as error:
            return [f"The change is made, but has no line in the audit: {error}"]
        return []

    def _refuse_in_release(self, stored: StoredRecord | None) -> None:
        """Raise RecordBeingReleased, with what is known of the release, while one holds the record."""
        if stored is None or stored.releasing is None:
            return
        variant = _released_variant(stored)
        state = f"with {weights(stored.record).get(variant, 0)} % of the requests"
        try:
            release = self.releases.get_release(stored.model, variant) or {}
        except ClientError:
            release = {}
        if release:
            state += f", next step {release.get('stage', 'unknown')}, started by {release.get('started_by', 'unknown')}"
        raise RecordBeingReleased(stored.model, stored.releasing, state)

    def _earlier(self, stored: StoredRecord) -> str:
        """The variant that had all requests before those which have some now."""
        live = live_variants(stored.record)
        names = weights(stored.record)
        if stored.releasing is not None:
            stable = [name for name in live if name != _released_variant(stored)]
            if len(stable) == 1:
                return stable[0]
        for name in self._once_alone(stored.model):
            if name in names and live != [name]:
                return name
        others = [name for name in names if live != [name]]
        if len(others) == 1:
            return others[0]
        if not others:
            raise Problem(f"{stored.model} has one variant only: there is no way back.", ExitCode.USAGE)
        choices = ", ".join(others)
        raise Problem(f"Which one? {stored.model} has {choices}: say it with --to VARIANT.", ExitCode.USAGE)

    def _once_alone(self, model: str) -> list[str]:
        """The variants that have had all requests at some time, the latest first; none if the audit cannot be read."""
        try:
            changes = self.releases.changes(model)
        except ClientError:
            return []
        return [name for change in changes for name, weight in change.before.items() if weight == 100]


def _revision_to_write(model: str, stored: StoredRecord | None, wanted: int | None) -> int:
    found = stored.revision if stored else 0
    if wanted is not None and wanted != found:
        raise RecordChanged(model, wanted, found if stored else None, (stored and stored.updated_by) or "somebody")
    return found


def _released_variant(stored: StoredRecord) -> str:
    """The variant of the release that holds the record."""
    return str(stored.releasing).partition("/")[2]


def _candidate(stored: StoredRecord) -> str:
    """The variant that a promotion means if it names none: the last, if it has not all requests already."""
    last: str = stored.record["variants"][-1]["name"]
    if len(stored.record["variants"]) < 2 or weights(stored.record)[last] == 100:
        known = ", ".join(weights(stored.record))
        raise Problem(f"Which variant of {stored.model}? It has {known}.", ExitCode.USAGE)
    return last
