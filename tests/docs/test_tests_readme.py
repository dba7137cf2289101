"""tests/README.md names the levels, marks and folders that there are."""

from __future__ import annotations

import re
import tomllib

from tests.conftest import COUNTED, ROOT

README = (ROOT / "tests" / "README.md").read_text()
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def column(text, number):
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [row[number].strip() for row in rows[2:]]


def test_every_mark_is_in_the_table_of_levels_and_the_other_way_round():
    named = {name for cell in column(section("Levels"), 1) for name in re.findall(r"`(\w+)`", cell)}
    declared = {line.split(":")[0] for line in CONFIGURATION["tool"]["pytest"]["ini_options"]["markers"]}

    assert named == declared


def test_every_folder_is_in_the_table_of_folders_and_the_other_way_round():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert {cell.strip("`") for cell in column(section("Folders"), 0)} == folders


def test_the_folders_and_files_that_are_named_exist():
    named = re.findall(r"`?\b(tests/[\w./]+)", README)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_folders_under_coverage_exist():
    (folders,) = re.findall(r"^COUNTED +:= (.+)$", MAKEFILE, re.MULTILINE)

    assert [f"{folder}/" for folder in folders.split()] == [*COUNTED]
    assert [folder for folder in COUNTED if not (ROOT / folder).is_dir()] == []


def test_every_test_is_in_one_of_the_runs():
    runs = re.findall(r'\$\(BIN\)/pytest -m "(.+?) and \$\((\w+)\)"', MAKEFILE)

    assert "QUICK        := $(HERE) and not slow" in MAKEFILE
    assert runs == [
        ("counted and not alone", "QUICK"),
        ("not counted and not alone", "QUICK"),
        ("alone", "QUICK"),
        ("slow and not alone", "HERE"),
        ("slow and alone", "HERE"),
    ]


def test_the_coverage_that_is_demanded_is_the_one_that_is_named():
    demanded = CONFIGURATION["tool"]["coverage"]["report"]["fail_under"]

    assert f"below {demanded} %" in README
    assert CONFIGURATION["tool"]["coverage"]["run"]["branch"] is True
