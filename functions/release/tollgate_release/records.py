"""Model records before they are deployed: checked by the deployed code, and made into items of the model table."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic_core import ValidationError

from tollgate_layer.inference.record import ModelRecord, Variant
from tollgate_layer.inference.record_check import record_faults
from tollgate_layer.inference.schemas import location, validator
from tollgate_release.record_templates import Findings, look_at_template

IMPORT_REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-central-1")
"""https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-import-model.html"""

_IMPORTED_MODEL = re.compile(r"arn:aws[a-z-]*:bedrock:([a-z0-9-]{1,20}):\d{12}:imported-model/[a-z0-9]{12}")
# The other names of models that InvokeModel takes: ARNs of further kinds, and ids such as meta.llama3-8b-instruct-v1:0.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
_OTHER_MODEL = re.compile(
    r"arn:aws[a-z-]*:bedrock:[a-z0-9-]{1,20}:(\d{12})?:"
    r"(custom-model|custom-model-deployment|foundation-model|provisioned-model|inference-profile"
    r"|application-inference-profile|prompt-router|default-prompt-router)/[A-Za-z0-9.:/_-]+"
    r"|arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:endpoint/[A-Za-z0-9-]+"
    r"|[a-z0-9-]+\.[a-z0-9-]+([.:-][a-z0-9-]+)*"
)


class RecordError(Exception):
    """Raised when a text is not a model record; `problems` has a sentence for each field at fault.

    `warnings` are sentences about what may be meant: they alone would be no error.
    """

    def __init__(self, problems: list[str], warnings: list[str] | None = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.warnings = warnings or []


class CheckedRecord(NamedTuple):
    """A record that can be deployed, and sentences about what in it may not be meant."""

    record: dict[str, Any]
    warnings: list[str]


def check_record(text: str) -> dict[str, Any]:
    """Check a JSON text and return the record in it.

        table_item(check_record(Path("record.json").read_text()))

    Raises:
        RecordError: the text is no model record; the error lists every problem.
    """
    return inspect_record(text).record


def inspect_record(text: str) -> CheckedRecord:
    """Check a JSON text: its fields, and by rendering what its chat templates make of every role.

    Raises:
        RecordError: the text is no model record; the error lists every problem.
    """
    errors: list[Any] = []
    try:
        validator("model_record").validate_json(text)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    problems = [_problem(location(item["loc"]), _reason(item)) for item in errors]
    findings = Findings([], [])
    checkable = _without_faulty_fields(text, errors)
    if checkable is not None:
        findings = _look_beyond_the_fields(checkable)
    problems += findings.problems
    if problems:
        raise RecordError(problems, findings.warnings)
    return CheckedRecord(json.loads(text), findings.warnings)


def table_item(record: dict[str, Any]) -> dict[str, Any]:
    """A record as an item of the model table, in DynamoDB's JSON."""
    return {
        "model": {"S": record["model"]},
        "record": {"S": json.dumps(record, ensure_ascii=False)},
        "revision": {"N": "1"},
        "updated_at": {"N": str(int(time.time()))},
    }


def _reason(error: Any) -> str:
    return "There is no such field." if error["type"] == "extra_forbidden" else str(error["msg"])


def _problem(place: str, message: str) -> str:
    return f"{place}: {message}" if place else message


# Values for fields that have to be there, where the record's own are at fault: checks of other fields need them.
_STAND_INS = {"model": "m", "name": "", "model_id": "", "body_format": "openai", "user": ""}


def _without_faulty_fields(text: str, errors: list[Any]) -> ModelRecord | None:
    """The record without the fields at fault, so that one fault does not hide others; None where there is no record."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    for error in errors:
        _repair(document, error)
    try:
        return ModelRecord.from_json(validator("model_record").validate_python(document))
    except ValidationError:
        return None


def _repair(document: Any, error: Any) -> None:
    """Take the field of an error out of a document, or put a stand-in into its place."""
    *steps, field = error["loc"] or [None]
    for step in steps:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return  # an outer field is at fault, too, and gone
    if not isinstance(document, dict):
        return
    if field in _STAND_INS:
        document[field] = _STAND_INS[field] or f"stand-in-{id(document)}"
    else:
        document.pop(field, None)


def _look_beyond_the_fields(record: ModelRecord) -> Findings:
    """What no field's shape tells: names, weights, models, and what the chat templates make of a conversation."""
    problems = [_problem(*fault) for fault in record_faults(record)]
    warnings: list[str] = []
    problems += _repeated_names(record.variants)
    if sum(variant.weight for variant in record.variants) == 0:
        # Not so at request time: a variant that is asked for by name answers all the same, as in a first release.
        problems.append("variants: All weights are 0, so no variant gets a request.")
    for index, variant in enumerate(record.variants):
        place = f"variants[{index}]"
        about_model = Findings([], [])
        if variant.model_id:
            about_model = _look_at_model_id(variant.model_id, f"{place}.model_id")
        found = look_at_template(variant, place)
        problems += about_model.problems + found.problems
        warnings += about_model.warnings + found.warnings
    most, default = record.limits.max_tokens, record.defaults.max_tokens
    if most is not None and default > most:
        warnings.append(f"defaults.max_tokens: {default} is over limits.max_tokens; answers get {most}.")
    return Findings(problems, warnings)


def _repeated_names(variants: list[Variant]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for index, variant in enumerate(variants):
        first = seen.setdefault(variant.name, index)
        if first != index:
            yield (
                f"variants[{index}].name: variants[{first}] has the name {variant.name!r}, too; "
                "logs and system_fingerprint could not tell them apart."
            )


def _look_at_model_id(model_id: str, place: str) -> Findings:
    if model_id.startswith("stand-in-"):
        return Findings([], [])
    imported = _IMPORTED_MODEL.fullmatch(model_id)
    if imported is None:
        shown = model_id if len(model_id) <= 100 else f"{model_id[:99]}…"
        if _OTHER_MODEL.fullmatch(model_id):
            return Findings([], [f"{place}: {shown!r} is no imported model, and its body may have another format."])
        return Findings(
            [
                f"{place}: {shown!r} is neither an imported model's ARN "
                "(arn:aws:bedrock:REGION:ACCOUNT:imported-model/ID, the ID with 12 small letters and digits) "
                "nor another name that Bedrock takes."
            ],
            [],
        )
    region = imported.group(1)
    if region not in IMPORT_REGIONS:
        where = ", ".join(IMPORT_REGIONS)
        return Findings([], [f"{place}: {region} has no Custom Model Import that is known here; these have: {where}."])
    ours = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if ours and region != ours:
        return Findings([], [f"{place}: the model is in {region}, the environment's Region is {ours}."])
    return Findings([], [])
