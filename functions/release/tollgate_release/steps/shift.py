"""Shift: give the canary the share of the next step."""

from __future__ import annotations

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, RecordChanged
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.weights import weights, with_canary

_LOOK_S = 120.0


def step(context: Context) -> NextStep:
    """Write the weights, and let the judge look after a while."""
    release = context.release
    stored = context.services.records.models.get(release.model)
    if stored is None or stored.releasing != release.id:
        found = None if stored is None else stored.revision
        raise RecordChanged(release.model, release.revision, found, (stored and stored.updated_by) or "somebody")
    next_step = release.step_index + 1
    percent = release.options.steps[next_step]
    # A run that died after the write finds the weights as it wanted them.
    if weights(stored.record).get(release.variant) != percent:
        context.write_record(stored, with_canary(stored.record, release.variant, percent), "shift", hold=True)
    if release.stable is None:
        raise Problem("A first release has no canary.", ExitCode.UNEXPECTED)
    release.step_index = next_step
    release.step_since = context.now
    release.canary_since = release.canary_since or context.now
    release.note(context.now, f"canary {percent} %", "begun")
    return NextStep("judge", look_seconds(release.options.interval_s, release.options.max_duration_s))


def look_seconds(interval_s: float, max_duration_s: float) -> float:
    """The time between two looks: two minutes, or less for short intervals, and never more than 400 looks in all.

    An execution may have 25,000 events, and each look is some forty.
    """
    return max(min(_LOOK_S, max(1.0, interval_s / 2)), max_duration_s / 400)
