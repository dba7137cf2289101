"""Roll back: everything to the stable variant again, the new one at weight 0, and the record is free."""

from __future__ import annotations

from tollgate_release.problems import RecordChanged
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.weights import live_variants, way_back, with_all

_AGAIN_S = 5


def step(context: Context) -> NextStep:
    """Write the weights of before, if the release still holds the record; otherwise touch nothing."""
    release = context.release
    records = context.services.records
    stored = records.models.get(release.model)
    if stored is None or stored.releasing != release.id:
        release.holds_record = False
        return NextStep("done")
    try:
        if release.stable is None and live_variants(stored.record) == []:
            _forget_first(context, stored.revision)
        else:
            stable = way_back(stored.record, release.stable, release.variant)
            context.write_record(stored, with_all(stored.record, stable), "roll_back", hold=False)
            release.note(context.now, "rolled back", f"{stable} has weight 100 again, revision {release.revision}")
    except RecordChanged:
        return NextStep("roll_back", _AGAIN_S)
    release.holds_record = False
    return NextStep("done")


def _forget_first(context: Context, revision: int) -> None:
    """A first release that failed leaves no record: clients are told that there is no such model, as before."""
    release = context.release
    context.services.records.models.delete(release.model, revision=revision, mine=release.id)
    release.note(context.now, "rolled back", "the model had no variant before, and has no record again")
