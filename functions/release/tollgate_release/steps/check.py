"""Check: everything that can be known before anything is made: artifacts, account, the record to come, the cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tollgate_layer.inference.record import ModelRecord
from tollgate_layer.inference.record_check import record_faults
from tollgate_layer.inference.schemas import validator
from tollgate_release.artifacts import Inspection, InspectionError, inspect
from tollgate_release.artifacts.rules import GIGABYTE
from tollgate_release.artifacts.s3 import S3Artifacts
from tollgate_release.exit_codes import ExitCode
from tollgate_release.golden import parse_golden
from tollgate_release.imports import imported_models
from tollgate_release.names import parse_s3_uri
from tollgate_release.prices import CUSTOM_MODEL_UNIT_STORAGE_MONTH, WINDOW_USD
from tollgate_release.problems import Problem
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.weights import stable_variant, variant_of, weights, with_candidate

if TYPE_CHECKING:
    from tollgate_release.services import Services

_QUOTA = 3
"""Imported models that an account may have by default (L-45B04988). It is read nowhere, and so said to be assumed."""
_LONGEST_GOLDEN = 100_000
_FIRST_VARIANT = {"backend": "bedrock", "body_format": "openai", "chat_template": None}
# A stand-in until the import gives the ARN, so that the record can be checked before.
_ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"


def step(context: Context) -> NextStep:
    """Judge the artifacts and the account, and write the plan into the release."""
    release, services = context.release, context.services
    release.note(context.now, "check", f"from {release.source}")
    inspection = _inspected(release.source, services)
    stored = services.records.models.get(release.model)
    record = stored.record if stored else {"model": release.model, "variants": []}
    release.stable = stable_variant(record, release.variant)
    if weights(record).get(release.variant):
        raise Problem(f"{release.address} serves already: name the new variant with --variant.", ExitCode.USAGE)
    release.candidate = _candidate(context, record)
    _check_candidate(with_candidate(record, {**release.candidate, "model_id": _ARN}))
    _read_golden(context)
    release.plan = _plan(context, inspection)
    if release.options.dry_run:
        release.finish(context.now, "planned", ExitCode.DONE, "Nothing was made: --dry-run.")
        return NextStep("done")
    return NextStep("import_model")


def _inspected(source: str, services: Services) -> Inspection:
    try:
        return inspect(S3Artifacts(source, services.client("s3")))
    except InspectionError as error:
        raise Problem("\n".join(error.problems), ExitCode.ARTIFACTS) from error


def _candidate(context: Context, record: dict[str, Any]) -> dict[str, Any]:
    """The new variant: as the stable one, but for its model and what the options say."""
    release = context.release
    base = dict(_FIRST_VARIANT)
    if release.stable is not None:
        base = dict(variant_of(record, release.stable))
        if base.get("backend", "bedrock") != "bedrock":
            # From another place where models run: what is imported answers in the format of imports.
            base = {**_FIRST_VARIANT, "chat_template": base.get("chat_template")}
    for name in ("name", "weight", "model_id", "endpoint_name", "inference_component", "target_variant"):
        base.pop(name, None)
    return {"name": release.variant, "weight": 0, **base, **release.options.record}


def _check_candidate(record: dict[str, Any]) -> None:
    """Refuse a record that could not be served."""
    from pydantic_core import ValidationError

    try:
        checked = validator("model_record").validate_json(json.dumps(record))
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise Problem("The model's record would not be valid:\n" + "\n".join(reasons), ExitCode.USAGE) from error
    faults = record_faults(ModelRecord.from_json(checked))
    if faults:
        reasons = [f"{fault.place}: {fault.reason}" for fault in faults]
        raise Problem("The model's record would not be valid:\n" + "\n".join(reasons), ExitCode.USAGE)


def _read_golden(context: Context) -> None:
    """Take golden prompts that are in S3 into the release."""
    options = context.release.options
    if options.golden_uri:
        bucket, _, key = options.golden_uri.removeprefix("s3://").partition("/")
        body = context.services.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        options.golden = [prompt.as_json() for prompt in parse_golden(body.decode())]
    size = len(json.dumps(options.golden))
    if size > _LONGEST_GOLDEN:
        text = f"The golden prompts have {size:,} bytes; a release keeps at most {_LONGEST_GOLDEN:,}."
        raise Problem(text, ExitCode.USAGE)


def _plan(context: Context, inspection: Inspection) -> dict[str, Any]:
    """What the command prints before anything is made."""
    release = context.release
    _, prefix = parse_s3_uri(release.source)
    units = inspection.custom_model_units_per_copy
    least, most = max(1, units // 2), units
    held = imported_models(context.services)
    canary_s = 0.0
    if release.stable is not None:
        canary_s = (release.options.interval_s + release.options.metric_delay_s) * len(release.options.steps)
    windows = 2 + 12 * canary_s / 3600
    return {
        "architecture": inspection.architecture,
        "parameters": inspection.parameters,
        "gigabytes": round(inspection.size_bytes / GIGABYTE, 3),
        "context_length": inspection.context_length,
        "chat_template": inspection.chat_template_source,
        "warnings": list(inspection.warnings),
        "prefix": prefix,
        "imported_models": len(held),
        "imported_models_quota": _QUOTA,
        "custom_model_units": [least, most],
        "storage_usd_per_month": [round(CUSTOM_MODEL_UNIT_STORAGE_MONTH * n, 2) for n in (least, most)],
        "release_usd": [round(windows * WINDOW_USD * n, 2) for n in (least, most)],
        "stable": release.stable,
        "steps": release.options.steps,
        "canary_seconds": canary_s,
        "golden_prompts": len(release.options.golden),
    }
