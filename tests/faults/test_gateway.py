"""API Gateway's own refusals are answers like all others."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.faults.case import STEP, Case
from tests.faults.conftest import copy_stack, start
from tests.faults.gateway_cases import CASES, LIMITS, QUOTA
from tests.faults.stack import LEAKS, Log, Stack, outcome_of
from tollgate.dev import Local

pytestmark = pytest.mark.path


def limited(template=ROOT / "template.yaml", **parameters):
    """A stack with limits that the first request reaches."""
    log = Log()
    return Stack(Local.start(template, parameters=parameters, console=log), log, 1)


def check(stack, case):
    answer = case.send(stack.http)

    outcome = outcome_of(answer, calls=0, seconds=0)
    retry_after = None if case.answer.retry_after is None else str(case.answer.retry_after)
    assert (outcome.status, outcome.code, outcome.retry_after) == (case.answer.status, case.answer.code, retry_after)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code", "request_id"}
    assert answer.json()["error"]["request_id"] == outcome.request_id
    assert not LEAKS.search(outcome.said), outcome.said


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_refusal_has_the_error_shape(stack, case):
    check(stack, case)


def test_a_slow_integration_and_a_used_up_rate_have_the_error_shape(tmp_path):
    # GIVEN an API that waits for 20 ms, which no execution keeps, and a key that may send one request
    copy_stack(tmp_path, {"29000": "20"})
    stack = limited(tmp_path / "template.yaml", RateLimit="0.001", BurstLimit="1")
    try:
        for case in LIMITS:
            check(stack, case)
    finally:
        stack.close()


def test_an_execution_that_outlives_its_own_limit_is_a_timeout(tmp_path):
    copy_stack(tmp_path)
    definition = tmp_path / "statemachines" / "inference.asl.json"
    definition.write_text(definition.read_text().replace('"TimeoutSeconds": 300', '"TimeoutSeconds": 1'))
    slow = Case("", "slow", {}, ({"delay_seconds": 3},))
    stack = start(tmp_path / "template.yaml", speed=1)
    try:
        outcome = stack.run(slow, STEP)
        assert (outcome.status, outcome.code) == (504, "timeout")
        assert stack.local.executions[-1].status == "TIMED_OUT"
    finally:
        stack.close()


def test_a_used_up_quota_has_the_error_shape():
    stack = limited(MonthlyQuota="1")
    try:
        assert stack.http.get("/v1/models").status_code == 200
        check(stack, QUOTA)
    finally:
        stack.close()
