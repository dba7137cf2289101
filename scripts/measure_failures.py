"""Run the fault matrix and write what came of it into docs/failures.md: python -m scripts.measure_failures"""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.write_docs import ROOT, replace_block
from tests.faults.case import Case, Mode
from tests.faults.conftest import misbehaving_stack, table_stack
from tests.faults.gateway_cases import CASES as REFUSALS
from tests.faults.gateway_cases import LIMITS, QUOTA
from tests.faults.model_cases import CASES as MODEL_CASES
from tests.faults.path_cases import FUNCTION_CASES, TABLE_CASES
from tests.faults.report import tables
from tests.faults.stack import Outcome, Outcomes, Stack


def measure(stack: Stack, cases: list[Case]) -> dict[tuple[str, Mode], Outcome]:
    """The outcome of each case in each of its modes."""
    pairs = [(case, mode) for case in cases for mode in case.answers]
    with Outcomes(stack, pairs) as outcomes:
        return {(str(case), mode): outcomes.of(case, mode) for case, mode in pairs}


def main() -> None:
    with table_stack() as stack:
        measured = measure(stack, [*MODEL_CASES, *TABLE_CASES])
    with tempfile.TemporaryDirectory() as root, misbehaving_stack(Path(root)) as stack:
        measured |= measure(stack, FUNCTION_CASES)
    cases = [*MODEL_CASES, *TABLE_CASES, *FUNCTION_CASES]
    file = ROOT / "docs" / "failures.md"
    file.write_text(replace_block(file.read_text(), "matrix", tables(measured, cases, [*REFUSALS, *LIMITS, QUOTA])))
    print(f"{file.relative_to(ROOT)} tells {len(measured)} measured answers")


if __name__ == "__main__":
    main()
