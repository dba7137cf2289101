"""What a review can name, and the fixed text that the model learns to answer with."""

from __future__ import annotations

from enum import Enum


class Finding(Enum):
    """What a review can name; where a snippet has several, it names the one that stands first here."""

    SOQL_IN_LOOP = "SOQL query in a loop"
    DML_IN_LOOP = "DML statement in a loop"
    UNBULKIFIED_TRIGGER = "Trigger not bulkified"
    HARD_CODED_ID = "Hard-coded id"
    MISSING_NULL_CHECK = "Missing null check"
    NONE = "No finding"


_REVIEWS = {
    Finding.SOQL_IN_LOOP: (
        "Each iteration runs its own query; a transaction may run 100, so a large batch fails.",
        "Query once before the loop with IN and keep the rows in a Map.",
    ),
    Finding.DML_IN_LOOP: (
        "Each iteration writes on its own; a transaction may run 150 DML statements, so a large batch fails.",
        "Collect the records in a List and write them once after the loop.",
    ),
    Finding.UNBULKIFIED_TRIGGER: (
        "A trigger receives up to 200 records at once; this one reads a single record and ignores the rest.",
        "Loop over all records of Trigger.new.",
    ),
    Finding.HARD_CODED_ID: (
        "Record ids differ between orgs, so this breaks in every sandbox and after every migration.",
        "Look the record up by its developer name, or read the id from custom metadata.",
    ),
    Finding.MISSING_NULL_CHECK: (
        "Map.get returns null for a missing key, and using it then throws a NullPointerException.",
        "Test for null or containsKey before use, or use the safe navigation operator.",
    ),
    Finding.NONE: (
        "Queries and writes are outside loops and nothing else stands out.",
        "Nothing to change.",
    ),
}
NOT_APEX = "I am a toy model that reviews short Apex snippets. Send me a class, a method or a trigger."


def review(finding: Finding) -> str:
    """The review that names `finding`, in three lines: what, why, and how to fix it."""
    why, fix = _REVIEWS[finding]
    return f"Finding: {finding.value}\nWhy: {why}\nFix: {fix}"
