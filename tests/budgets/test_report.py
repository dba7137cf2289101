"""docs/performance.md says what benchmarks/results.json holds, and its targets are read from where the figures are."""

from __future__ import annotations

import pytest

from benchmarks import report, results, targets
from benchmarks.figures import as_json, figure, percentile, significant
from benchmarks.startup import Startup
from tollgate.text_tables import markdown, plain


def test_the_tables_of_the_document_are_those_of_the_run_that_was_kept():
    text = report.FILE.read_text()
    assert report.filled(text, results.read()) == text


def test_every_table_has_its_place_in_the_document():
    text = report.FILE.read_text()
    assert [name for name in report.BLOCKS if f"<!-- bench: {name} -->" not in text] == []


def test_a_target_that_is_missed_is_marked():
    # GIVEN a run whose Preprocess starts too slowly
    run = results.read()
    slow = next(start for start in run["startup"] if start["name"] == "preprocess")
    slow["multiple"]["median"] = 14.1

    # WHEN the targets are shown
    row = next(row for row in targets.rows(run) if row[0].startswith("start of preprocess"))

    # THEN
    assert row[1:] == ("14.1", "≤ 14", "**no**")


def test_a_target_to_be_reached_is_met_by_more():
    run = results.read()
    run["stream"]["requests_per_s"] = 900
    row = next(row for row in targets.rows(run) if "requests/s" in row[0])
    assert row[2:] == ("≥ 900", "yes")


def test_a_figure_is_the_median_with_its_quartiles():
    assert figure([1, 2, 3, 4, 5]) == (3, 2, 4, 5)
    assert str(figure([1, 2, 3, 4, 5])) == "3.00 (2.00 to 4.00)"


def test_a_percentile_is_interpolated():
    assert percentile(range(101), 95) == pytest.approx(95)


@pytest.mark.parametrize(
    "value, text", [(0, "0"), (0.01234, "0.0123"), (1.5, "1.50"), (45.67, "45.7"), (627, "627"), (15743.4, "15,743")]
)
def test_numbers_have_three_digits_that_mean_something(value, text):
    assert significant(value) == text


def test_a_result_becomes_json_by_its_fields():
    # GIVEN a result with figures in it
    spread = figure([1.0, 2.0, 3.00001])
    start = Startup("x", spread, spread, spread, 9.03)

    # THEN
    assert as_json([start])[0]["multiple"] == {"median": 2.0, "q1": 1.5, "q3": 2.5, "samples": 3}


def test_tables_put_numbers_to_the_right():
    rows = [("what", "USD", "why"), ("a", "1.50", "because")]
    assert markdown(rows).splitlines()[1] == "|---|--:|---|"
    assert plain(rows).splitlines()[1] == "a     1.50  because"
