"""docs/tour.md leads through files and definitions that exist, and shows what a real request carries."""

from __future__ import annotations

import re

import pytest

from scripts.write_tour import REQUEST, VOLATILE, blocks, rewritten
from tests.conftest import ROOT
from tests.docs.code_names import defines

TOUR = (ROOT / "docs" / "tour.md").read_text()
PATH, STREAM = TOUR.split("## What differs on /stream/v1")
STOPS = re.findall(r"^\*\*Read:\*\* \[([^\]]+)\]\(\.\./([^)]+)\): (.*)$", PATH, re.MULTILINE)
STREAM_STOPS = re.findall(r"^\| \[([^\]]+)\]\(\.\./([^)]+)\) \| (`[^|]*) \|.*\|$", STREAM, re.MULTILINE)


def test_the_tour_is_nine_files_at_most_and_three_more_for_streams():
    headings = re.findall(r"^## (\d+)\. ", PATH, re.MULTILINE)

    assert headings == [str(number) for number in range(1, len(STOPS) + 1)]
    assert 5 <= len({path for _, path, _ in STOPS}) <= 9
    assert 1 <= len(STREAM_STOPS) <= 3


@pytest.mark.parametrize("label, path, names", [*STOPS, *STREAM_STOPS], ids=lambda value: value.split("/")[-1][:30])
def test_what_is_to_be_read_at_a_stop_is_there(label, path, names):
    named = re.findall(r"`([^`]+)`", names)

    assert label == path
    assert named
    assert [name for name in named if not defines(path, name)] == []


def test_the_request_that_is_typed_is_the_one_that_is_shown():
    assert REQUEST.relative_to(ROOT).as_posix() in re.findall(r"-d @(\S+)", TOUR)


def test_the_words_for_what_differs_are_explained():
    words = {word.removeprefix(r"\1") for _, word in VOLATILE}

    assert words <= set(re.findall(r"[A-Z]+-ID|MACHINE|\b\d{10}\b", TOUR.split("```")[0]))


def test_the_time_that_the_deadline_keeps_back_is_the_one_that_is_told():
    machine = (ROOT / "statemachines" / "inference.asl.json").read_text()
    (kept_back,) = re.findall(r"ApiTimeoutMillis\}'\) - (\d+)", machine)

    assert f"{int(kept_back) // 1000} seconds before it" in TOUR


@pytest.mark.path
def test_the_data_is_that_of_a_real_run(local):
    assert rewritten(TOUR, blocks(local)) == TOUR, "run python -m scripts.write_tour"
