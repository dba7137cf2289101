"""What a stack's records and an account's imported models are to each other: variants, orphans, drift."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from tollgate_release.problems import aws_problem, code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tollgate_release.last_use import LastUse, Variant
    from tollgate_release.model_table import StoredRecord
    from tollgate_release.release_table import Change

State = Literal["live", "canary", "standby", "missing", "sagemaker", "orphan"]
_IMPORTED = re.compile(r"arn:[a-z-]+:bedrock:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):imported-model/.+")


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """An imported model of the account; `units` are the custom model units of one copy, None where nobody may ask."""

    arn: str
    name: str
    imported_at: float
    units: int | None


@dataclass(frozen=True, slots=True)
class Deployed:
    """A variant of a record, or an imported model that no record names.

    `state` is `live` with a weight, `standby` without, `canary` while a release holds the record for it, `missing`
    where its imported model is gone, `sagemaker` on an endpoint, `orphan` where no record names the imported model.
    """

    model: str | None
    variant: str | None
    weight: int | None
    state: State
    model_arn: str
    imported: ImportedModel | None = None
    brought_at: float | None = None
    """When the variant came into the record."""
    brought_by: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The account and the Region of a stack, whose imported models can be seen."""

    account: str
    region: str

    @classmethod
    def of(cls, arn: str) -> Place:
        """Where a resource is."""
        _, _, _, region, account, _ = arn.split(":", 5)
        return cls(account, region)

    def has(self, model_id: str) -> bool:
        """Whether it is an imported model of this account and Region."""
        match = _IMPORTED.fullmatch(model_id)
        return match is not None and (match["account"], match["region"]) == (self.account, self.region)


def imported_models(bedrock: Any, problems: list[str]) -> list[ImportedModel] | None:
    """The imported models of the account in this Region; None where nobody may list them.

    What is denied or fails is told in `problems`.
    """
    summaries: list[dict[str, Any]] = []
    try:
        for page in bedrock.get_paginator("list_imported_models").paginate():
            summaries += page["modelSummaries"]
    except (ClientError, BotoCoreError) as error:
        problems.append(told(error))
        return None
    found = []
    may_ask = True
    for summary in summaries:
        units = None
        if may_ask:
            try:
                model = bedrock.get_imported_model(modelIdentifier=summary["modelArn"])
                units = model.get("customModelUnits", {}).get("customModelUnitsPerModelCopy")
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    continue  # deleted a moment ago
                problems.append(told(error))
                may_ask = False
        created = summary["creationTime"].timestamp()
        found.append(ImportedModel(summary["modelArn"], summary["modelName"], created, units))
    return found


def told(error: ClientError | BotoCoreError) -> str:
    """An error of AWS's as a sentence."""
    return str(aws_problem(error)) if isinstance(error, ClientError) else str(error)


def overview(
    records: list[StoredRecord],
    imported: list[ImportedModel] | None,
    place: Place,
    changes_of: Callable[[str], list[Change]],
) -> list[Deployed]:
    """Every variant of the records, by model and weight, then the imported models that no record names.

    Args:
        records: those of the stack.
        imported: the account's imported models, None if they are unknown; then nothing is missing and no orphan.
        place: the stack's account and Region.
        changes_of: the audit of a model's record.
    """
    by_arn = {one.arn: one for one in imported or []}
    rows = []
    for stored in records:
        changes = changes_of(stored.model)
        variants = sorted(stored.record["variants"], key=lambda variant: -variant.get("weight", 100))
        for variant in variants:
            arn = str(variant.get("model_id") or variant.get("endpoint_name") or "")
            is_gone = imported is not None and place.has(arn) and arn not in by_arn
            brought = _brought(variant["name"], changes)
            rows.append(
                Deployed(
                    model=stored.model,
                    variant=variant["name"],
                    weight=variant.get("weight", 100),
                    state="missing" if is_gone else _state(stored, variant, arn),
                    model_arn=arn,
                    imported=by_arn.get(arn),
                    brought_at=brought.at if brought else None,
                    brought_by=brought.who if brought else None,
                )
            )
    named = {row.model_arn for row in rows}
    for one in imported or []:
        if one.arn not in named:
            rows.append(Deployed(None, None, None, "orphan", one.arn, one))
    return rows


def drift(rows: list[Deployed]) -> list[str]:
    """A sentence for each variant whose imported model is gone."""
    return [
        f"{row.model}/{row.variant} (weight {row.weight}) points to {row.model_arn}, which is gone."
        for row in rows
        if row.state == "missing"
    ]


def warmth(row: Deployed, uses: Mapping[Variant, LastUse], now: float) -> str | None:
    """Whether a model copy probably stands: `likely`, `no` or `unknown`; None for what is not Bedrock's to start."""
    if row.state == "sagemaker":
        return None
    if row.state == "missing":
        return "no"
    use = uses.get((row.model or "", row.variant or ""))
    if use is None:
        return "unknown"
    return "likely" if use.is_warm(now) else "no"


def _state(stored: StoredRecord, variant: dict[str, Any], arn: str) -> State:
    if variant.get("backend") == "sagemaker" or ":sagemaker:" in arn:
        return "sagemaker"
    if stored.releasing == f"{stored.model}/{variant['name']}":
        return "canary"
    return "live" if variant.get("weight", 100) > 0 else "standby"


def _brought(variant: str, changes: list[Change]) -> Change | None:
    """The latest change that brought a variant into its record."""
    for change in changes:
        if variant in change.after and variant not in change.before:
            return change
    return None
