"""Promote: everything to the new variant; the old one stays as the way back, and is deleted after a time."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.keep_warm.repricing import reprice
from tollgate_release.keep_warm.schedules import KeepWarmSchedules
from tollgate_release.names import slug
from tollgate_release.problems import RecordChanged, code_of
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.weights import variant_of, weights, with_all


def step(context: Context) -> NextStep:
    """Write the weights, let go of the record, and have the old variant retired later."""
    release = context.release
    stored = context.services.records.models.get(release.model)
    is_done = stored is not None and stored.releasing is None and weights(stored.record).get(release.variant) == 100
    if not is_done:
        if stored is None or stored.releasing != release.id:
            found = None if stored is None else stored.revision
            raise RecordChanged(release.model, release.revision, found, (stored and stored.updated_by) or "somebody")
        context.write_record(stored, with_all(stored.record, release.variant), "promote", hold=False)
    release.holds_record = False
    told = "first variant" if release.stable is None else f"in place of {release.stable}"
    if release.stable is not None and _is_imported(context):
        told += _retire_later(context)
    release.note(context.now, "promoted", f"{told}, revision {release.revision}")
    _keep_the_limit(context)
    release.finish(context.now, "promoted", ExitCode.DONE, f"{release.model}/{release.variant} serves.")
    return NextStep("done")


def _keep_the_limit(context: Context) -> None:
    """See that keep-warm, where it is on, costs no more for the new variant than somebody agreed to."""
    services = context.services
    schedules = KeepWarmSchedules(
        services.client("scheduler"), services.schedule_group, services.inference_machine, services.scheduler_role
    )
    try:
        told = reprice(schedules, context.release.model, context.release.custom_model_units)
    except ClientError as error:
        # The variant serves already, and that is what a promotion is about.
        told = f"its limit was not looked at: {code_of(error)}"
    if told:
        context.release.note(context.now, "keep-warm", told)


def _is_imported(context: Context) -> bool:
    """Whether the old variant is an imported model; an endpoint is not ours to delete."""
    release = context.release
    stored = context.services.records.models.get(release.model)
    if stored is None or release.stable not in weights(stored.record):
        return False
    return ":imported-model/" in str(variant_of(stored.record, str(release.stable)).get("model_id", ""))


def _retire_later(context: Context) -> str:
    """Make the one-time schedule that retires the old variant; says when."""
    release, services = context.release, context.services
    if release.options.keep_previous_s is None:
        return "; it stays at weight 0"
    at = context.now + max(60.0, release.options.keep_previous_s)
    scheduler = services.client("scheduler")
    when = datetime.fromtimestamp(at, UTC)
    # An earlier run of this step may have made it.
    with contextlib.suppress(scheduler.exceptions.ConflictException):
        scheduler.create_schedule(
            Name=f"retire-{slug(release.model, 24)}-{slug(str(release.stable), 24)}-{release.digest[:6]}",
            GroupName=services.schedule_group,
            ScheduleExpression=f"at({when:%Y-%m-%dT%H:%M:%S})",
            ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": services.release_machine,
                "RoleArn": services.scheduler_role,
                "Input": json.dumps({"next": "retire", "model": release.model, "release": release.variant}),
            },
        )
    release.retire_at = at
    return f"; it stays at weight 0 until {when:%Y-%m-%d %H:%M} UTC, then it is deleted"
