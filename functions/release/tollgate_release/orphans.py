"""Deleting an imported model by hand: one that no record names and no request still uses, and that is this stack's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.imports import TAG_STACK
from tollgate_release.problems import Problem, code_of, is_denied

if TYPE_CHECKING:
    from tollgate_release.changes import RecordChanges

TAG_MODEL = "tollgate:model"
_IN_USE_S = 990
"""How long a request may last that began before the record changed: the longest stream, 900 s, and the cache before it,
and a minute for clocks. https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html"""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An imported model that may be deleted."""

    arn: str
    name: str
    units: int | None
    imported_at: float


def find_orphan(
    bedrock: Any, records: RecordChanges, name: str, *, stack: str, now: float, is_mine: bool = False
) -> Orphan:
    """The imported model of a name or ARN, if it may be deleted.

    Args:
        bedrock: a boto3 client; its errors go through, but for those below.
        records: the stack's.
        name: the imported model's name or ARN.
        stack: the stack's name, with which its releases tag what they import.
        now: in seconds since 1970.
        is_mine: whether somebody vouches for it that a model without this tag is nobody else's.

    Raises:
        Problem: there is none, it may not be deleted, or a record cannot be read; the text says why.
    """
    try:
        model = bedrock.get_imported_model(modelIdentifier=name)
    except ClientError as error:
        if code_of(error) in ("ResourceNotFoundException", "ValidationException"):
            raise Problem(
                f"There is no imported model {name!r}. These are there: tollgate models", ExitCode.USAGE
            ) from error
        raise
    arn = model["modelArn"]
    for stored in records.models.list():
        for variant in stored.record["variants"]:
            if variant.get("model_id") == arn:
                text = f"{model['modelName']} is what {stored.model}/{variant['name']} points to, so it stays."
                raise Problem(f"{text} Take the variant out of the record first: tollgate record put", ExitCode.USAGE)
    tags = _tags(bedrock, arn)
    if tags is None or tags.get(TAG_STACK) != stack:
        if not is_mine:
            why = "Its tags may not be read" if tags is None else f"It has no tag {TAG_STACK}={stack}"
            text = f"{model['modelName']} may be used by somebody else. {why}: if it is yours, say --yes-it-is-mine."
            raise Problem(text, ExitCode.USAGE)
    elif TAG_MODEL in tags:
        _refuse_if_in_use(records, tags[TAG_MODEL], model, now)
    units = model.get("customModelUnits", {}).get("customModelUnitsPerModelCopy")
    return Orphan(arn, model["modelName"], units, model["creationTime"].timestamp())


def _tags(bedrock: Any, arn: str) -> dict[str, str] | None:
    """An imported model's tags; None where nobody may read them."""
    try:
        listed = bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
    except ClientError as error:
        if is_denied(error):
            return None
        raise
    return {tag["key"]: tag["value"] for tag in listed}


def _refuse_if_in_use(records: RecordChanges, model: str, imported: dict[str, Any], now: float) -> None:
    """Raise a Problem while a release is to put it into the record, or requests may run that began before it left."""
    for release in records.releases.releases(model):
        if release.get("stage") != "done" and release.get("model_arn") in (None, imported["modelArn"]):
            text = f"A release of {model} runs, and may need {imported['modelName']}: tollgate status {model}"
            raise Problem(text, ExitCode.CHANGED)
    for change in records.releases.changes(model):
        left = change.at + _IN_USE_S - now
        if left > 0:
            text = (
                f"The record of {model} changed {now - change.at:.0f} s ago: a stream that began before may still use"
            )
            raise Problem(f"{text} {imported['modelName']}. Try again in {left:.0f} s.", ExitCode.CHANGED)
