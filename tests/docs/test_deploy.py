"""What docs/deploy.md names exists."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tollgate.stack.definitions import read_definition

DEPLOY = (ROOT / "docs" / "deploy.md").read_text()


@pytest.fixture(scope="module")
def template():
    return read_definition(ROOT / "template.yaml")


def test_every_output_that_is_read_exists(template):
    read = set(re.findall(r"\$\(output (\w+)\)", DEPLOY))

    assert {"ApiUrl", "ApiKeyId", "ModelTableName"} <= read <= set(template["Outputs"])


def test_every_parameter_that_is_named_exists(template):
    overridden = set(re.findall(r"--parameter-overrides (\w+)=", DEPLOY))
    named = set(re.findall(r"`([A-Z]\w+(?:Arns?|Millis|Name|Seconds))`", DEPLOY)) | overridden

    assert (
        {"Architecture", "ApiTimeoutMillis", "AdditionalModelArns", "StageName"} <= named <= set(template["Parameters"])
    )


def test_every_logical_id_that_is_asked_for_exists(template):
    asked = set(re.findall(r"--logical-resource-id (\w+)", DEPLOY))

    assert asked
    assert asked <= set(template["Resources"])


def test_every_linked_file_exists():
    linked = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", DEPLOY))

    assert len(linked) >= 3
    assert [link for link in linked if not (ROOT / "docs" / link).is_file()] == []
