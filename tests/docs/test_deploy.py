"""What docs/deploy.md names exists."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.conftest import ROOT
from tollgate.stack import Stack
from tollgate.stack.definitions import read_definition

DEPLOY = (ROOT / "docs" / "deploy.md").read_text()


@pytest.fixture(scope="module")
def template():
    return read_definition(ROOT / "template.yaml")


def test_every_output_that_is_read_exists(template):
    read = set(re.findall(r"\$\(output (\w+)\)", DEPLOY))

    assert {"ApiUrl", "ApiKeyId", "ModelTableName", "StreamUrl", "UsagePlanId"} <= read <= set(template["Outputs"])


def test_every_parameter_that_is_named_exists(template):
    overridden = set(re.findall(r"--parameter-overrides (\w+)=", DEPLOY))
    named = set(re.findall(r"`([A-Z]\w+(?:Arns?|Millis|Name|Seconds))`", DEPLOY)) | overridden

    assert (
        {"Architecture", "ApiTimeoutMillis", "AdditionalModelArns", "StageName"} <= named <= set(template["Parameters"])
    )


def test_answers_go_to_a_file_that_git_ignores():
    # `sam deploy --guided` writes them into samconfig.toml.
    build = (ROOT / "Makefile").read_text().split("\nbuild: ")[1].split("\n\n")[0]

    assert "/samconfig.toml" in (ROOT / ".gitignore").read_text().splitlines()
    assert "test -e samconfig.toml || cp samconfig.example.toml samconfig.toml" in build


def test_the_examples_environments_set_parameters_that_there_are(template):
    example = tomllib.loads((ROOT / "samconfig.example.toml").read_text())
    stacks = {name: environment["deploy"]["parameters"] for name, environment in example.items() if name != "version"}
    chosen = set(re.findall(r"sam deploy --config-env (\w+)", DEPLOY))

    assert {"default", *chosen} == set(stacks) == {"default", "staging", "production"}
    assert len({parameters["stack_name"] for parameters in stacks.values()}) == 3
    for parameters in stacks.values():
        given = dict(pair.split("=", 1) for pair in parameters.get("parameter_overrides", "").split())
        Stack.load(ROOT / "template.yaml", given)  # refuses an unknown name, and a value that is not allowed


def test_both_paths_are_tried():
    tried = DEPLOY.split("\n## Check it\n")[1].split("\n## ")[0]

    assert '"$URL/chat/completions"' in tried
    assert 'curl -N --http1.1 "$(output StreamUrl)/chat/completions"' in tried
    assert '"stream": true' in tried


def test_every_linked_file_exists():
    linked = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", DEPLOY))

    assert len(linked) >= 3
    assert [link for link in linked if not (ROOT / "docs" / link).is_file()] == []
