"""The fault matrix: whatever goes wrong, a client gets the one answer that the error table promises, in time."""

from __future__ import annotations

import pytest

from tests.faults import model_cases, path_cases
from tests.faults.stack import LEAKS, SECRET
from tollgate_layer.inference.failures.errors import ERRORS

pytestmark = pytest.mark.path


def matrix(*cases):
    rows = [(case, mode) for case in cases for mode in case.answers]
    return pytest.mark.parametrize("case, mode", rows, ids=[f"{case} [{mode}]" for case, mode in rows])


@matrix(*model_cases.CASES, *path_cases.TABLE_CASES)
def test_a_failing_model_or_table_has_one_answer(outcomes, case, mode):
    check(case, mode, outcomes.of(case, mode), outcomes.stack.log)


@matrix(*path_cases.FUNCTION_CASES)
def test_a_failing_function_has_one_answer(misbehaving_outcomes, case, mode):
    check(case, mode, misbehaving_outcomes.of(case, mode), misbehaving_outcomes.stack.log)


def check(case, mode, outcome, log):
    expected = case.answers[mode]
    retry_after = None if expected.retry_after is None else str(expected.retry_after)
    got = (outcome.status, outcome.code, outcome.retry_after)
    assert got == (expected.status, expected.code, retry_after), log.text[-5:]
    fewest, most = expected.calls if isinstance(expected.calls, tuple) else (expected.calls, expected.calls)
    assert fewest <= outcome.calls <= most
    assert outcome.seconds < case.within_s
    if expected.code is not None:
        assert not LEAKS.search(outcome.said), outcome.said
        assert_logged(log, outcome, expected, once=mode not in case.unlogged)


def assert_logged(log, outcome, expected, *, once):
    """One line says what happened; it has no word of the client's."""
    lines = log.failures(outcome.request_id, wait_s=2 if once else 0)
    assert len(lines) == once
    for line in lines:
        assert (line["code"], line["status"]) == (expected.code, ERRORS[expected.code].status)
        assert outcome.calls == 0 or line["attempts"] == outcome.calls
        assert SECRET not in str(line)
