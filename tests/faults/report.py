"""The fault matrix as tables for docs/failures.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby

from scripts.write_docs import table
from tests.faults.case import LIVE_PATH, MODES, STEP_PATH, Answer, Case, Mode
from tests.faults.gateway_cases import GatewayCase
from tests.faults.stack import Outcome

HEAD = ("What goes wrong", "Asked at", "Status", "Code", "Retry-After")
MEASURED = ("Invocations", "Seconds")
Row = tuple[str, ...]


def promised(case: Case) -> list[tuple[Row, list[Mode]]]:
    """The columns that the case itself says, a row for each different answer, and whose it is."""
    by_answer: dict[Answer, list[Mode]] = {}
    for mode, answer in case.answers.items():
        by_answer.setdefault(answer, []).append(mode)
    return [((case.name, _asked_at(modes), *_columns(answer)), modes) for answer, modes in by_answer.items()]


def promised_by_gateway(case: GatewayCase) -> Row:
    """The same of a refusal by API Gateway."""
    return (case.name, "", *_columns(case.answer))


def tables(outcomes: Mapping[tuple[str, Mode], Outcome], cases: Iterable[Case], refusals: Iterable[GatewayCase]) -> str:
    """Markdown: a table for each group of cases, with what was measured."""
    parts = []
    for group, members in groupby(cases, key=lambda case: case.group):
        rows = [
            (*row, *_measured([outcomes[str(case), mode] for mode in modes]))
            for case in members
            for row, modes in promised(case)
        ]
        parts.append(f"### {group}\n\n{table((*HEAD, *MEASURED), rows)}")
    gateway = [(row[0], *row[2:]) for row in map(promised_by_gateway, refusals)]
    parts.append(f"### API Gateway itself\n\n{table((HEAD[0], *HEAD[2:]), gateway)}")
    return "\n".join(parts)


def _asked_at(modes: list[Mode]) -> str:
    left = set(modes)
    if left == set(MODES):
        return "all"
    words = []
    for path in (STEP_PATH, LIVE_PATH):
        if left >= set(path):
            words.append(f"{path[0].base}, streamed or not")
            left -= set(path)
    return "; ".join([*words, *[str(mode) for mode in modes if mode in left]])


def _columns(answer: Answer) -> Row:
    status = str(answer.status) if answer.status != 200 or not answer.code else "200, then an error event"
    return (status, f"`{answer.code}`" if answer.code else "", str(answer.retry_after or ""))


def _measured(outcomes: list[Outcome]) -> Row:
    calls = sorted({outcome.calls for outcome in outcomes})
    slowest = max(outcome.seconds for outcome in outcomes)
    return ("–".join(map(str, calls[:: max(len(calls) - 1, 1)])), str(math.ceil(slowest)))
