"""Every link of a Markdown page into the repository leads somewhere; so does every path that a page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted(
    page
    for pattern in ("*.md", "api/*.md", "docs/**/*.md", "examples/**/*.md", "tests/*.md")
    for page in ROOT.glob(pattern)
)
FOLDERS = {
    *("api", "benchmarks", "docs", "events", "examples", "functions", "layers", "models", "requirements", "scripts"),
    *("statemachines", "tests", "tollgate"),
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page):
    broken = []
    for link in re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_is_named_exists(page):
    named = [
        text for text in re.findall(r"`([\w./*-]+)`", prose(page)) if text.split("/")[0] in FOLDERS and "/" in text
    ]
    missing = [path for path in named if not list(ROOT.glob(path.rstrip("/")))]

    assert missing == []


def test_the_pages_are_found():
    assert {"README.md", "api/README.md", "docs/tour.md", "docs/decisions/README.md"} <= set(map(name_of, PAGES))
