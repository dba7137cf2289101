"""Retire: delete a variant's imported model, after nobody can ask for it any more.

Out of the record first; then every stream that began on an older record must end; only then is the model deleted,
and only if this stack has imported it.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from tollgate_release.figures import read_figures
from tollgate_release.imports import TAG_STACK, find_imported_model
from tollgate_release.problems import code_of
from tollgate_release.release_table import Change
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.weights import variant_of, weights, without_variant

_SLACK_S = 60
_CONFLICT_S = 600
_MOST_CONFLICTS = 24


def step(context: Context) -> NextStep:
    """Take the next of these measures, and come again for the one after."""
    release, records = context.release, context.services.records
    old = str(release.stable)
    retirement = release.plan.setdefault("retirement", {"variant": old})
    stored = records.models.get(release.model)
    if stored is not None and old in weights(stored.record):
        if weights(stored.record)[old] > 0 or stored.releasing is not None:
            return _stays(context, f"{old} gets requests again, or a release runs: it stays")
        retirement["model_arn"] = str(variant_of(stored.record, old).get("model_id", ""))
        changed = without_variant(stored.record, old)
        written = records.models.put(changed, revision=stored.revision, who=context.services.who, now=context.now)
        change = Change(context.now, context.services.who, "retire", written.revision,
                        weights(stored.record), weights(changed), release.id)  # fmt: skip
        records.releases.note_change(release.model, change)
        retirement["since"] = context.now
    arn = retirement.get("model_arn", "")
    wait_s = context.services.record_cache_s + context.services.stream_timeout_s + _SLACK_S
    left_s = retirement.get("since", context.now) + wait_s - context.now
    if left_s > 0:
        return NextStep("retire", left_s)
    return _delete(context, old, arn, wait_s)


def _delete(context: Context, old: str, arn: str, wait_s: float) -> NextStep:
    release, services = context.release, context.services
    for other in services.records.models.list():
        for variant in other.record["variants"]:
            if variant.get("model_id") == arn:
                return _stays(context, f"{other.model}@{variant['name']} names the same imported model: it stays")
    figures = read_figures(
        services.client("cloudwatch"), services.stack, release.model, [old], context.now - wait_s, context.now
    )
    if figures[old].requests > 0:
        release.plan["retirement"]["since"] = context.now
        return NextStep("retire", wait_s)
    model = find_imported_model(services, arn)
    if model is None:
        return _stays(context, f"{old}'s imported model is gone already")
    if model["tags"].get(TAG_STACK) != services.stack:
        return _stays(context, f"{old}'s imported model was not imported by this stack: it stays, out of the record")
    try:
        services.client("bedrock").delete_imported_model(modelIdentifier=arn)
    except ClientError as error:
        if code_of(error) != "ConflictException" or release.tries >= _MOST_CONFLICTS:
            raise
        release.plan["retirement"]["conflicts"] = release.plan["retirement"].get("conflicts", 0) + 1
        if release.plan["retirement"]["conflicts"] > _MOST_CONFLICTS:
            raise
        return NextStep("retire", _CONFLICT_S)
    return _stays(context, f"{old} is deleted")


def _stays(context: Context, detail: str) -> NextStep:
    context.release.note(context.now, "retired", detail)
    return NextStep("done")
