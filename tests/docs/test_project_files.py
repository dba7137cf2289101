"""What the project's files tell contributors is so: targets and pages exist, and nothing lies outside the checkout."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
import yaml

from tests.conftest import ROOT

PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = (ROOT / "Makefile", ROOT / ".ci" / "run", *sorted((ROOT / "scripts").glob("*")))


@pytest.fixture(scope="module")
def targets():
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_is_linked_exists(page):
    linked = re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / page).read_text())

    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_what_contributors_are_sent_to_is_there(targets):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`(\.?[a-z][\w-]*/[\w./-]*|[a-z]+\.yaml)`", text))
    commands = set(re.findall(r"`make ([a-z-]+)`", text))

    assert {"api/contract.yaml", "api/requests/", "tests/budgets"} <= named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert {"api", "test"} <= commands
    assert commands - targets == set()


def test_every_target_has_a_line_in_make_help(targets):
    shown = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {line.split()[0] for line in shown.splitlines()} == targets - {"runtime"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_make_targets_and_nothing_else(workflow, targets):
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    commands = [step["run"] for job in jobs for step in job["steps"] if "run" in step]

    assert {"make test", "make test-slow", "make test-sam-local"} <= set(commands)
    assert [command for command in commands if command not in {f"make {target}" for target in targets}] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflows_actions_are_pinned_by_commit(workflow):
    used = re.findall(r"uses: (\S+)(.*)", workflow.read_text())

    assert len(used) >= 2
    assert [
        name for name, version in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) or "# v" not in version
    ] == []


def test_the_changelog_has_the_packages_version_and_what_comes_next():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert version in headings


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.is_file()], ids=lambda path: path.name)
def test_a_script_names_no_file_beside_the_checkout(script):
    # The one way up that there may be: from a script's own folder to the root of the checkout.
    text = script.read_text().replace('"$(dirname "$0")/.."', "ROOT")

    assert re.findall(r"\S*\.\./\S*|\S*/\.\.(?!\.)\S*", text) == []
