"""One file has all prices, each with its source and date; another one takes its place for a command."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from tollgate.cli import main
from tollgate.costs import prices
from tollgate_release.prices import FILE, PricesError, read_prices


def test_each_price_says_what_it_is_for_where_it_stands_and_when_it_was_read():
    for name, row in json.loads(FILE.read_text())["prices"].items():
        assert set(row) == {"usd", "per", "what", "source", "read"}, name
        assert row["usd"] > 0
        assert re.match(r"https://aws\.amazon\.com/[a-z0-9/-]+/$", row["source"]), name
        assert re.match(r"\d{4}-\d{2}(-\d{2})?$", row["read"]), name


def test_prices_are_for_one_of_each():
    assert pytest.approx(3.5e-6) == prices.API_GATEWAY_REQUEST
    assert pytest.approx(0.06 / 3600) == prices.STEP_FUNCTIONS_GB_SECOND
    assert prices.INSTANCE_HOUR["ml.g6e.xlarge"] == 2.6054


def test_another_file_takes_their_place_for_one_command(tmp_path):
    file = tmp_path / "prices.json"
    other = {"API_GATEWAY_REQUEST": {"usd": 1000, "per": "million"}, "INSTANCE_HOUR ml.x": {"usd": 9, "per": "hour"}}
    file.write_text(json.dumps({"prices": other}))

    published = CliRunner().invoke(main, ["cost"])
    told = CliRunner().invoke(main, ["cost", "--prices", str(file)])

    assert "1,000.00" in told.stdout
    assert "1,000.00" not in published.stdout
    assert CliRunner().invoke(main, ["cost"]).stdout == published.stdout


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        '{"prices": []}',
        '{"prices": {"API_GATEWAY_REQUEST": 1}}',
        '{"prices": {"X": {"usd": 1, "per": "hour"}}}',
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(tmp_path, text):
    file = tmp_path / "prices.json"
    file.write_text(text)

    with pytest.raises(PricesError):
        prices.use(file)

    assert read_prices(FILE)["API_GATEWAY_REQUEST"] == prices.API_GATEWAY_REQUEST
    result = CliRunner().invoke(main, ["cost", "--prices", str(file)])
    assert result.exit_code == 2
    assert "prices" in result.output
