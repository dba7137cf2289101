"""The release table: releases, and the audit of every change of a record.

Its key is `subject`, a model's name, and `entry`: `release#VARIANT` for a release, `change#TIME` for a change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, code_of

_RELEASE = "release#"
_CHANGE = "change#"
_TRIES = 20
"""How often a write is tried that somebody else was faster with."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a model's record, as the audit keeps it; weights by variant, revisions after the change."""

    at: float
    who: str
    verb: str
    revision: int
    before: dict[str, int]
    after: dict[str, int]
    reason: str = ""


class ReleaseTable:
    """The release table of a stack. Errors of DynamoDB go through as botocore's ClientError."""

    def __init__(self, dynamodb: Any, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def note_change(self, model: str, change: Change) -> None:
        """Add a line to a model's audit. Two in one millisecond get a millisecond each.

        Raises:
            Problem: there are too many in one millisecond.
        """
        at = change.at
        for _ in range(_TRIES):
            document = {
                "who": change.who,
                "verb": change.verb,
                "revision": change.revision,
                "before": change.before,
                "after": change.after,
                "reason": change.reason,
            }
            if self._put_new(model, f"{_CHANGE}{_time(at)}", document):
                return
            at += 0.001
        raise Problem(f"{_TRIES} changes of {model} in one millisecond: this one has no line.", ExitCode.UNEXPECTED)

    def changes(self, model: str) -> list[Change]:
        """A model's changes, the latest first. What a newer version notes beside is left out."""
        known = {one.name for one in fields(Change)}
        found = []
        for entry, document in self._query(model, _CHANGE):
            at = datetime.fromisoformat(entry.removeprefix(_CHANGE)).timestamp()
            noted = {name: value for name, value in document.items() if name in known}
            found.append(Change(at=at, **noted))
        return sorted(found, key=lambda change: change.at, reverse=True)

    def get_release(self, model: str, variant: str) -> dict[str, Any] | None:
        """The document of a release, with its `version`; None where there is none."""
        key = {"subject": {"S": model}, "entry": {"S": _RELEASE + variant}}
        answer = self._dynamodb.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else _document(item)

    def releases(self, model: str) -> list[dict[str, Any]]:
        """The documents of a model's releases, the latest first."""
        found = [document for _, document in self._query(model, _RELEASE)]
        return sorted(found, key=lambda document: document.get("started_at", 0), reverse=True)

    def put_release(self, model: str, variant: str, document: dict[str, Any]) -> bool:
        """Write a release's document in place of the version that was read, 0 for a new one.

        Says whether it was written: it is not when somebody else wrote since. The document's `version` is raised.
        """
        version = int(document.get("version", 0))
        item = {
            "subject": {"S": model},
            "entry": {"S": _RELEASE + variant},
            "version": {"N": str(version + 1)},
            "document": {"S": json.dumps({**document, "version": version + 1}, ensure_ascii=False)},
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if version:
            condition = {
                "ConditionExpression": "version = :seen",
                "ExpressionAttributeValues": {":seen": {"N": str(version)}},
            }
        if self._put(item, condition):
            document["version"] = version + 1
            return True
        return False

    def give_order(self, model: str, variant: str, order: str) -> bool:
        """Say what a release is to do (`abort`, `pause` …); says whether there is one that has not ended.

        Raises:
            Problem: it is written by somebody else all the time.
        """
        for _ in range(_TRIES):
            document = self.get_release(model, variant)
            if document is None or document.get("stage") == "done":
                return False
            if self.put_release(model, variant, {**document, "order": order}):
                return True
        raise Problem(f"The release {model}/{variant} could not be told: {order}.", ExitCode.CHANGED)

    def _put_new(self, subject: str, entry: str, document: dict[str, Any]) -> bool:
        item = {"subject": {"S": subject}, "entry": {"S": entry}, "document": {"S": json.dumps(document)}}
        return self._put(item, {"ConditionExpression": "attribute_not_exists(subject)"})

    def _put(self, item: dict[str, Any], condition: dict[str, Any]) -> bool:
        try:
            self._dynamodb.put_item(TableName=self._name, Item=item, **condition)
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _query(self, subject: str, prefix: str) -> list[tuple[str, dict[str, Any]]]:
        found = []
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="subject = :subject AND begins_with(entry, :prefix)",
            ExpressionAttributeValues={":subject": {"S": subject}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
        )
        for page in pages:
            found += [(item["entry"]["S"], _document(item)) for item in page["Items"]]
        return found


def _document(item: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(item["document"]["S"])
    return document


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
