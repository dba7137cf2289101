"""What docs/deploy.md names exists."""

from __future__ import annotations

import json
import re
import tomllib

import botocore.session
import pytest
import yaml
from botocore import xform_name

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
    named -= set(template["Outputs"])

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
    chosen = set(re.findall(r"make deploy ARGS='--config-env (\w+)'", DEPLOY))

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


def block(language, beginning):
    """The code block in a language that begins so."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```$", DEPLOY, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if text.startswith(beginning)]
    return found


def test_the_example_workflow_deploys_an_environment_that_there_is_with_a_role_for_minutes():
    workflow = yaml.safe_load(block("yaml", "name: Deploy"))
    (job,) = workflow["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    makefile = (ROOT / "Makefile").read_text()

    assert workflow["permissions"]["id-token"] == "write"
    assert commands == ["make test", 'make deploy ARGS="--config-env production --no-confirm-changeset"']
    assert "$(SAM) deploy $(ARGS)" in makefile.split("\ndeploy: ")[1].split("\n\n")[0]
    assert "production" in tomllib.loads((ROOT / "samconfig.example.toml").read_text())
    trust = json.loads(block("json", '{\n  "Version"'))
    (statement,) = trust["Statement"]
    subject = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject.endswith(f":environment:{job['environment']}")


def test_the_example_workflows_actions_are_pinned_as_in_our_own():
    used = dict(re.findall(r"uses: (\S+)@(\S+)", block("yaml", "name: Deploy")))
    ours = dict(re.findall(r"uses: (\S+)@(\S+)", (ROOT / ".github" / "workflows" / "ci.yml").read_text()))

    assert len(used) == 3
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in used.values())
    assert used.items() >= {name: ours[name] for name in used if name in ours}.items()


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|&& |run: )make ([a-z-]+)", DEPLOY, re.MULTILINE))

    assert {"deploy", "build", "test"} <= named <= targets


def test_every_section_that_is_linked_exists():
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", DEPLOY, re.MULTILINE)}

    assert set(re.findall(r"\]\(#([\w-]+)\)", DEPLOY)) <= headings


def test_every_linked_file_exists():
    linked = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", DEPLOY))

    assert len(linked) >= 3
    assert [link for link in linked if not (ROOT / "docs" / link).is_file()] == []


GLOBAL_OPTIONS = {"query", "output", "region", "profile"}


def aws_commands():
    """Every command of the AWS CLI in the guide: service, words after it, and names of options."""
    text = DEPLOY.replace("\\\n", " ")
    # A command ends where its line or its inline code does, or another command begins.
    for service, rest in re.findall(r"\baws ([a-z0-9-]+) ([^\n`]*)", text):
        words = rest.split()
        yield service, words, {word[2:].removeprefix("no-") for word in words if re.fullmatch(r"--[a-z-]+", word)}


@pytest.mark.parametrize(
    "service, words, options", list(aws_commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_of_the_aws_cli_is_one_with_these_options(service, words, options):
    session = botocore.session.get_session()
    if words[0] == "wait":
        waiters = session.get_waiter_model(service).waiter_names
        assert words[1] in {xform_name(name, "-") for name in waiters}
        return
    model = session.get_service_model(service)
    operations = {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}

    assert words[0] in operations
    shape = operations[words[0]].input_shape
    known = {xform_name(name, "-") for name in (shape.members if shape else ())}
    assert options - GLOBAL_OPTIONS <= known


def test_many_commands_are_looked_at():
    assert len(list(aws_commands())) > 25
