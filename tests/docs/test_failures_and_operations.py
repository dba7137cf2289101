"""What the documentation says of failures is what the code does."""

from __future__ import annotations

import inspect
import re

import pytest

from scripts.write_docs import FILES, rewritten
from tests.conftest import ROOT
from tests.faults.gateway_cases import CASES as REFUSALS
from tests.faults.gateway_cases import LIMITS, QUOTA
from tests.faults.model_cases import CASES as MODEL_CASES
from tests.faults.path_cases import FUNCTION_CASES, TABLE_CASES
from tests.faults.report import promised, promised_by_gateway
from tollgate_layer.inference import request_log
from tollgate_layer.inference.failures.errors import ERRORS

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
MATRIX = (ROOT / "docs" / "failures.md").read_text().split("<!-- matrix -->")[1].split("<!-- /matrix -->")[0]


def rows(text):
    """The cells of every row of the tables in a text, without their heads."""
    return [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith(("| ---", "|---", "| What goes wrong"))
    ]


@pytest.mark.parametrize("name", FILES)
def test_generated_parts_are_up_to_date(name):
    text = (ROOT / name).read_text()

    assert rewritten(text) == text, "run python -m scripts.write_docs"


def test_the_matrix_lists_exactly_the_cases_that_are_run():
    cases = [row for case in (*MODEL_CASES, *TABLE_CASES, *FUNCTION_CASES) for row, _ in promised(case)]
    refusals = [(row[0], *row[2:]) for row in map(promised_by_gateway, (*REFUSALS, *LIMITS, QUOTA))]
    listed = rows(MATRIX)

    assert [row[:-2] for row in listed[: len(cases)]] == cases, "run python -m scripts.measure_failures"
    assert listed[len(cases) :] == refusals


def test_every_code_has_its_row_for_the_operator():
    section = OPERATIONS.split("## Alarms")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [*ERRORS, "client_gone"]


def test_every_alarm_and_its_parameter_is_described(template):
    section = OPERATIONS.split("## Alarms")[1].split("## Metrics")[0]
    resources = template["Resources"]

    described = {name: parameter for name, *_, parameter in rows(section) if name != "Alarm"}

    assert {name.split("`")[1]: parameter.strip("`") for name, parameter in described.items()} == {
        name: parameter_of(resources[name]["Properties"]["Threshold"])
        for name in resources
        if resources[name]["Type"] == "AWS::CloudWatch::Alarm"
    }


def parameter_of(threshold):
    """The parameter that sets a threshold; empty where it is a number."""
    return threshold["Ref"] if isinstance(threshold, dict) else ""


def test_every_metric_is_described():
    section = OPERATIONS.split("## Metrics")[1].split("## Log fields")[0]
    source = inspect.getsource(request_log)
    counted = set(re.findall(r'count\("(\w+)"', source)) | set(request_log.FAILURE_METRICS.values())
    counted |= set(re.findall(r'\{"(\w+)": 1\.0\}', source))  # those of a fallback, which are written at once

    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == counted


def test_every_log_field_is_described():
    section = OPERATIONS.split("## Log fields")[1].split("## Parameters")[0]
    described = set(re.findall(r"`(\w+)`", "".join(row[0] for row in rows(section))))
    code = "".join(
        file.read_text()
        for folder in ("functions", "layers/shared/python/tollgate_layer/inference")
        for file in (ROOT / folder).rglob("*.py")
    )
    calls = re.findall(r"(?:\.note|RequestLog)\(([^()]*(?:\([^()]*\)[^()]*)*)\)", code)
    noted = {name for call in calls for name in re.findall(r"(\w+)=", call)}

    assert noted - {"logger"} <= described
