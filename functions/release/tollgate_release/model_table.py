"""The model table: records with a revision, so that nobody overwrites what they have not seen.

An item: `model` (key), `record` (the JSON text), `revision` (a number that each write raises by one), `updated_at` (in
seconds since 1970), `updated_by` (an ARN), and, only while a release moves the weights, `releasing` (`MODEL/VARIANT`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, RecordBeingReleased, RecordChanged, code_of

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A model's record as the table holds it."""

    model: str
    record: Record
    revision: int
    updated_at: int
    updated_by: str | None
    releasing: str | None


class ModelTable:
    """The records of a stack.

        table = ModelTable(boto3.client("dynamodb"), "tollgate-ModelTable")
        stored = table.get("apexguru")
        table.put(changed, revision=stored.revision, who="arn:…", now=time.time())

    Errors of DynamoDB itself go through as botocore's ClientError.
    """

    def __init__(self, dynamodb: Any, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def get(self, model: str) -> StoredRecord | None:
        """A model's record as it is now; None where there is none.

        Raises:
            Problem: the item holds no record.
        """
        answer = self._dynamodb.get_item(TableName=self._name, Key={"model": {"S": model}}, ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else self._stored(item)

    def list(self, problems: list[str] | None = None) -> list[StoredRecord]:
        """All records, by model.

        Args:
            problems: gets a sentence for each item that holds no record; without it, the first one is raised.

        Raises:
            Problem: an item holds no record.
        """
        found = []
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True)
        for page in pages:
            for item in page["Items"]:
                try:
                    found.append(self._stored(item))
                except Problem as problem:
                    if problems is None:
                        raise
                    problems.append(str(problem))
        return sorted(found, key=lambda stored: stored.model)

    def put(
        self,
        record: Record,
        *,
        revision: int,
        who: str,
        now: float,
        mine: str | None = None,
        releasing: str | None = None,
    ) -> StoredRecord:
        """Write a record in place of the one that was read.

        Args:
            record: a checked record; its `model` is the key.
            revision: the revision that was read, 0 where there was no record.
            who: who writes it.
            now: in seconds since 1970.
            mine: the release that writes; it may write while `releasing` is itself.
            releasing: the release that holds the record from now on; None lets it go.

        Raises:
            RecordChanged: somebody else was faster.
            RecordBeingReleased: a release that is not `mine` holds it.
        """
        model = record["model"]
        values = {
            ":record": {"S": json.dumps(record, ensure_ascii=False)},
            ":next": {"N": str(revision + 1)},
            ":at": {"N": str(int(now))},
            ":by": {"S": who},
            **_condition_values(revision, mine),
        }
        change = "SET #record = :record, revision = :next, updated_at = :at, updated_by = :by"
        if releasing is None:
            change += " REMOVE releasing"
        else:
            change += ", releasing = :releasing"
            values[":releasing"] = {"S": releasing}
        try:
            self._dynamodb.update_item(
                TableName=self._name,
                Key={"model": {"S": model}},
                UpdateExpression=change,
                ConditionExpression=_condition(revision),
                ExpressionAttributeNames={"#record": "record"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            raise self._why_not(error, model, revision, mine) from error
        return StoredRecord(model, record, revision + 1, int(now), who, releasing)

    def delete(self, model: str, *, revision: int, mine: str | None = None) -> None:
        """Delete the record that was read.

        Raises:
            RecordChanged: somebody else was faster.
            RecordBeingReleased: a release holds it.
        """
        try:
            self._dynamodb.delete_item(
                TableName=self._name,
                Key={"model": {"S": model}},
                ConditionExpression=_condition(revision),
                ExpressionAttributeValues=_condition_values(revision, mine),
            )
        except ClientError as error:
            raise self._why_not(error, model, revision, mine) from error

    def _stored(self, item: dict[str, Any]) -> StoredRecord:
        model = item["model"]["S"]
        try:
            record = json.loads(item["record"]["S"])
            _check_shape(record)
            # An item that was written by hand may have no revision.
            revision = int(item["revision"]["N"]) if "revision" in item else 0
        except (KeyError, ValueError, RecursionError) as error:
            why = "an attribute is missing, or of another type" if isinstance(error, KeyError) else str(error)
            raise Problem(
                f"The item of {model} in the model table holds no record: {why}. Delete it, and put the record anew: "
                f"""aws dynamodb delete-item --table-name {self._name} --key '{{"model": {{"S": "{model}"}}}}'""",
                ExitCode.UNEXPECTED,
            ) from error
        return StoredRecord(
            model,
            record,
            revision,
            int(float(item.get("updated_at", {}).get("N", "0"))),
            item.get("updated_by", {}).get("S"),
            item.get("releasing", {}).get("S"),
        )

    def _why_not(self, error: ClientError, model: str, revision: int, mine: str | None) -> Exception:
        """Why a conditional write was refused: the record is read once more to say so."""
        if code_of(error) != "ConditionalCheckFailedException":
            return error
        stored = self.get(model)
        if stored is not None and stored.releasing not in (None, mine) and stored.revision == revision:
            return RecordBeingReleased(model, str(stored.releasing))
        found = None if stored is None else stored.revision
        return RecordChanged(model, revision, found, (stored and stored.updated_by) or "somebody")


def _condition(revision: int) -> str:
    free = "(attribute_not_exists(releasing) OR releasing = :mine)"
    if revision == 0:
        return f"attribute_not_exists(revision) AND {free}"
    return f"revision = :seen AND {free}"


def _condition_values(revision: int, mine: str | None) -> dict[str, Any]:
    values = {":mine": {"S": mine or "-"}}  # no release has this name
    if revision:
        values[":seen"] = {"N": str(revision)}
    return values


def _check_shape(record: Any) -> None:
    """Raise ValueError for what is no record. Its fields are checked where it is served: decision 171."""
    if not isinstance(record, dict) or not isinstance(record.get("variants"), list) or not record["variants"]:
        raise ValueError("it is no object with variants")
    for variant in record["variants"]:
        if not isinstance(variant, dict) or not isinstance(variant.get("name"), str):
            raise ValueError("a variant has no name")
        if not isinstance(variant.get("weight", 100), int):
            raise ValueError("a variant's weight is no whole number")
