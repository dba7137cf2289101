"""The exceptions that checkov is told of: each has its reason, and `make check` runs it."""

from __future__ import annotations

import re

import yaml

from tests.conftest import ROOT

CONFIG = (ROOT / ".checkov.yaml").read_text()


def test_every_exception_has_its_reason_in_its_line():
    skipped = yaml.safe_load(CONFIG)["skip-check"]

    assert skipped
    for check in skipped:
        assert re.search(rf"^  - {check} # \S.{{20,}}$", CONFIG, re.MULTILINE), check


def test_every_parameter_that_a_reason_names_exists(template):
    named = set(re.findall(r"\((\w+)\)|\b(StreamConcurrency|SubnetIds)\b", CONFIG))
    names = {name for pair in named for name in pair if name}

    assert {"Tracing", "AccessLogs", "KmsKeyArn", "StreamConcurrency", "SubnetIds"} <= names
    assert names <= set(template["Parameters"])


def test_the_scan_is_part_of_make_check():
    recipe = (ROOT / "Makefile").read_text().split("\ncheck: ")[1].split("\n\n")[0]

    assert "checkov --config-file .checkov.yaml" in recipe
