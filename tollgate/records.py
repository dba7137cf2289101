"""Model records before they are deployed: checked by the deployed code, and made into items of the model table."""

from __future__ import annotations

import json
import time
from typing import Any

from pydantic_core import ValidationError

import tollgate_layer.inference.record
from tollgate_layer.inference.schemas import location


class RecordError(Exception):
    """When a text is not a model record; `problems` has a sentence for each field at fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def check_record(text: str) -> dict[str, Any]:
    """Check a JSON text and return the record in it.

        table_item(check_record(Path("record.json").read_text()))

    Raises:
        RecordError: the text is no model record; the error lists every problem.
    """
    try:
        tollgate_layer.inference.record.check_record(text)
    except ValidationError as error:
        raise RecordError([_problem(item["loc"], item["msg"]) for item in error.errors()]) from None
    record: dict[str, Any] = json.loads(text)
    return record


def table_item(record: dict[str, Any]) -> dict[str, Any]:
    """A record as an item of the model table, in DynamoDB's JSON."""
    return {
        "model": {"S": record["model"]},
        "record": {"S": json.dumps(record, ensure_ascii=False)},
        "revision": {"N": "1"},
        "updated_at": {"N": str(int(time.time()))},
    }


def _problem(steps: tuple[int | str, ...], message: str) -> str:
    path = location(steps)
    return f"{path}: {message}" if path else message
