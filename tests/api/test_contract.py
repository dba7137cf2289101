"""Every operation of the contract, with requests that keep to it and requests that break it."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import EXAMPLES, FUZZ
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.path]

schema = schemathesis.openapi.from_path(ROOT / "api" / "openapi.yaml")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


OPERATIONS = [found.ok() for found in schema.get_all_operations()]


# Not by `schema.parametrize`: under pytest 9.2 its tests all have one id, and xdist runs one of them in place of all.
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_operation_answers_as_the_contract_says(operation, local):
    headers = {"Authorization": f"Bearer {local.key}"}

    @FUZZ
    @given(case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode]))
    def answers(case):
        answer = case.call(base_url=local.url, headers=headers, timeout=20)

        case.validate_response(answer, checks=CHECKS)

    answers()


def test_the_long_run_is_longer():
    assert EXAMPLES >= 20
