"""docs/plan.md and docs/benchmark.md show what their commands print, and the charts of the same plan and run."""

from __future__ import annotations

import pytest

from scripts.write_measures import PAGES, PLOTS, plots, with_outputs
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_print(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / page).read_text()

    assert text.count("<!-- output -->") == text.count("```sh\n")
    assert with_outputs(text) == text, "python -m scripts.write_measures"


def test_the_pictures_are_those_of_the_commands_and_load_nothing(monkeypatch):
    monkeypatch.chdir(ROOT)
    drawn = plots()

    assert {file.name: file.read_text() for file in PLOTS.glob("*.svg")} == drawn, "python -m scripts.write_measures"
    for picture in drawn.values():
        assert "prefers-color-scheme: dark" in picture
        assert "href" not in picture
        assert "url(" not in picture
