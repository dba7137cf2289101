"""Start-up budgets: CPU time of a fresh process, as a multiple of a bare interpreter in the same interleaved run.

Multiples of the best of several rounds, because work of other processes only ever adds; and CPU time, because waiting
for a core is not the function's doing. docs/performance.md has the figures, and what a multiple means on Lambda.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchmarks.interpreter import Interpreter
from benchmarks.startup import BARE, Start, interleave
from tests.conftest import ROOT

ROUNDS = 7
SLACK = 1.3
"""How much slower a start may be on another machine than the budget says, in proportion to its bare interpreter."""

BUDGETS = {"authorizer": 2.5, "preprocess": 8, "postprocess": 7}


@pytest.fixture(scope="module")
def multiples(tmp_path_factory):
    """Each handler's best CPU time as a multiple of the bare interpreter's best."""
    return _multiples(Interpreter(sys.executable, tmp_path_factory.mktemp("bare")), [*map(_start, BUDGETS)])


@pytest.mark.parametrize("function", BUDGETS)
def test_a_function_starts_within_its_budget(multiples, function):
    assert multiples[function] <= BUDGETS[function] * SLACK


def test_the_budget_notices_an_import_of_boto3(tmp_path):
    # GIVEN a Preprocess that also imports the AWS SDK
    heavy = _start("preprocess")._replace(code="import app, boto3")

    # WHEN it starts
    multiple = _multiples(Interpreter(sys.executable, tmp_path / "bare"), [heavy])["preprocess"]

    # THEN it is over its budget, slack included
    assert multiple > BUDGETS["preprocess"] * SLACK


def _start(function: str) -> Start:
    packages = Path(sysconfig.get_paths()["purelib"])
    layer = ROOT / "layers" / "shared" / "python"
    return Start(function, "import app", (ROOT / "functions" / function, layer, packages))


def _multiples(interpreter: Interpreter, starts: list[Start]) -> dict[str, float]:
    for start in starts:
        _compile(start)
    costs = interleave(interpreter, [Start(BARE, "pass"), *starts], ROUNDS)
    best = {name: min(cost.cpu for cost in every) for name, every in costs.items()}
    return {start.name: best[start.name] / best[BARE] for start in starts}


def _compile(start: Start) -> None:
    """What is shipped has its bytecode; an import by an interpreter that may write leaves it here."""
    path = os.pathsep.join(map(str, start.path))
    environment = {"PYTHONPATH": path, "POWERTOOLS_SERVICE_NAME": "test"}
    subprocess.run([sys.executable, "-c", start.code], env=environment, check=True)
