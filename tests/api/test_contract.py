"""Every operation of the contract, with requests that keep to it and requests that break it."""

from __future__ import annotations

import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import EXAMPLES, FUZZ
from tests.conftest import ROOT

pytestmark = pytest.mark.path

schema = schemathesis.openapi.from_path(ROOT / "api" / "openapi.yaml")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schema.parametrize()
@FUZZ
def test_every_operation_answers_as_the_contract_says(case, local):
    headers = {"Authorization": f"Bearer {local.key}"}

    answer = case.call(base_url=local.url, headers=headers, timeout=20)

    case.validate_response(answer, checks=CHECKS)


def test_the_long_run_is_longer():
    assert EXAMPLES >= 20
