"""Import: start the import, or find the one that an earlier run started, and follow it to its end."""

from __future__ import annotations

from botocore.exceptions import ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.imports import (
    TAG_DIGEST,
    TAG_STACK,
    create_job,
    find_imported_model,
    find_job,
    imported_models,
    running_job,
    units_of,
)
from tollgate_release.names import imported_model_name, job_name
from tollgate_release.problems import Problem, aws_problem, code_of
from tollgate_release.release import Release
from tollgate_release.steps.begin import list_digest
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.weights import stable_variant, with_candidate

_LOOK_S = 30
_QUICK_LOOK_S = 2
_QUICK_S = 20
"""For so long a new import is looked at often: a small one is over soon."""
_LONGEST_S = 6 * 3600


def step(context: Context) -> NextStep:
    """Bring the model in, and its variant of weight 0 into the record."""
    release, services = context.release, context.services
    model = find_imported_model(services, imported_model_name(release.model, release.digest))
    if model is None:
        return _import(context)
    if model["tags"].get(TAG_DIGEST) != release.digest:
        raise Problem(
            f"An imported model is named {model['modelName']}, and is not this release's: it lacks its {TAG_DIGEST}. "
            "Delete it, or release under another model's name.",
            ExitCode.IMPORT,
        )
    return _imported(context, model["modelArn"], units_of(model))


def _import(context: Context) -> NextStep:
    release, services = context.release, context.services
    name = job_name(release.model, release.digest, release.options.attempt)
    job = find_job(services, name)
    if job is None:
        return _start(context, name)
    if job["status"] == "Failed":
        reason = job.get("failureMessage") or "AWS gives no reason"
        raise Problem(
            f'The import failed: "{reason}". Nothing was changed; the job is {name}. '
            f"Try again: --attempt {release.options.attempt + 1}",
            ExitCode.IMPORT,
        )
    if job["status"] == "Completed":
        # The model is there a moment after its job says so.
        return NextStep("import_model", _QUICK_LOOK_S)
    since = release.import_started_at or context.now
    release.import_started_at = since
    seconds = context.now - since
    if seconds > _LONGEST_S:
        raise Problem(
            f"The import has not ended after 6 h; AWS lets nobody stop it. The job is {name}.", ExitCode.IMPORT
        )
    release.note(context.now, "importing", name)
    return NextStep("import_model", _QUICK_LOOK_S if seconds < _QUICK_S else _LOOK_S)


def _start(context: Context, name: str) -> NextStep:
    release, services = context.release, context.services
    if list_digest(release.source, services) != release.digest:
        raise Problem(f"The artifacts under {release.source} have changed since they were checked.", ExitCode.ARTIFACTS)
    tags = {
        TAG_STACK: services.stack,
        TAG_DIGEST: release.digest,
        "tollgate:model": release.model,
        "tollgate:variant": release.variant,
        **release.options.tags,
    }
    try:
        create_job(
            services,
            name=name,
            imported_model=imported_model_name(release.model, release.digest),
            source=release.source,
            tags=tags,
        )
    except ClientError as error:
        return _not_started(context, error)
    release.import_started_at = context.now
    release.note(context.now, "importing", name)
    return NextStep("import_model", _QUICK_LOOK_S)


def _not_started(context: Context, error: ClientError) -> NextStep:
    """Wait in line, find the job that is there already, or say what must be done."""
    release = context.release
    code = code_of(error)
    if code == "ConflictException":
        if find_job(context.services, job_name(release.model, release.digest, release.options.attempt)) is not None:
            return NextStep("import_model", _QUICK_LOOK_S)
        raise aws_problem(error, "A model or job of this name is there, and is another's.") from error
    if code != "ServiceQuotaExceededException":
        raise error
    job = running_job(context.services)
    if job is None:
        raise aws_problem(error, _what_may_go(context)) from error
    release.queued_since = release.queued_since or context.now
    if context.now - release.queued_since > release.options.queue_s:
        raise aws_problem(error, f"The account has been importing others for hours: {job['jobName']}.") from error
    release.note(context.now, "queued", f"behind {job['jobName']}; one import at a time is AWS's quota")
    return NextStep("import_model", _LOOK_S)


def _what_may_go(context: Context) -> str:
    """Which of the account's imported models nobody asks for: in no record, or at weight 0 in theirs."""
    weight_of: dict[str, tuple[str, int]] = {}
    for stored in context.services.records.models.list():
        for variant in stored.record["variants"]:
            address = f"{stored.model}@{variant['name']}"
            weight_of[str(variant.get("model_id"))] = (address, variant.get("weight", 100))
    unused, idle = [], []
    for model in imported_models(context.services):
        address, weight = weight_of.get(model["modelArn"], ("", 0))
        if not address:
            unused.append(model["modelName"])
        elif weight == 0:
            idle.append(f"{address} ({model['modelName']})")
    return (
        f"The account holds as many imported models as it may. In no record: {', '.join(unused) or 'none'}. "
        f"At weight 0: {', '.join(idle) or 'none'}. "
        "Free one: tollgate models --delete NAME; or raise the quota L-45B04988."
    )


def _imported(context: Context, arn: str, units: int | None) -> NextStep:
    """Write the variant into the record, at weight 0; from now on the release holds the record."""
    release, services = context.release, context.services
    stored = services.records.models.get(release.model)
    record = stored.record if stored else {"model": release.model, "variants": []}
    release.stable = stable_variant(record, release.variant)
    release.model_arn, release.custom_model_units = arn, units
    if release.import_started_at is not None and release.import_seconds is None:
        release.import_seconds = round(context.now - release.import_started_at, 1)
    release.note(context.now, "imported", _shown(release))
    candidate = {**release.candidate, "model_id": arn}
    context.write_record(stored, with_candidate(record, candidate), "release", hold=True)
    return NextStep("warm")


def _shown(release: Release) -> str:
    units = "" if release.custom_model_units is None else f", {release.custom_model_units} CMU per copy"
    how = "reused" if release.import_started_at is None else f"after {release.import_seconds:.0f} s"
    return f"{how}{units}"
