"""`tollgate plan`: traces in all shapes, the figures that scripts read, and the page."""

from __future__ import annotations

import json
import random
import re
import tracemalloc
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.costs.formula import HOURS_PER_MONTH, Load, step_path, total
from tollgate.costs.prices import INSTANCE_HOUR, MILLION
from tollgate.planning.made_up import Lengths
from tollgate.planning.policies import Batches, PolicyError, parse
from tollgate.planning.trace import TraceError
from tollgate.planning.traces import read_trace, spread

UTC = ZoneInfo("UTC")
OFFICE = ROOT / "examples" / "traces" / "made-up-office.csv"


def run(*arguments):
    return CliRunner().invoke(main, ["plan", *map(str, arguments)])


def planned(*arguments):
    result = run(*arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def csv(tmp_path, *rows, header="timestamp"):
    file = tmp_path / "trace.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


def test_a_plan_has_the_fields_that_scripts_read(tmp_path):
    # GIVEN a request every ten minutes, for an hour
    trace = csv(tmp_path, *(str(600 * number) for number in range(6)))

    found = planned("--trace", trace, "--units", 1)

    assert found["policies"]["none"]["windows"] == 6
    assert {"windows", "usd_per_month", "cold_share", "p95_s"} <= set(found["policies"]["none"])
    assert set(found["policies"]) == set(found["policies_if_idle_3600"])
    assert found["break_even"]["window_share"] == pytest.approx(0.76, abs=0.01)
    assert found["alternatives"]["sagemaker"]["usd_per_month"] == pytest.approx(2.6054 * 730, abs=0.01)
    # Half of an hour's windows: 6 of 12 at 5 minutes of $0.05718, over a month of 730 hours.
    assert found["policies"]["none"]["usd"]["model"] == pytest.approx(6 * 5 * 0.05718 * 730, rel=0.01)
    # With an idle time of five minutes each of them finds a cold model, with an hour's the first one alone.
    assert found["policies"]["none"]["cold_share"] == 1
    assert found["policies_if_idle_3600"]["none"]["cold_share"] == pytest.approx(1 / 6, abs=0.001)


def test_twice_the_units_cost_twice(tmp_path):
    trace = csv(tmp_path, *(str(600 * number) for number in range(6)))

    one, two = (planned("--trace", trace, "--units", units)["policies"]["none"]["usd"] for units in (1, 2))

    assert two["model"] == pytest.approx(2 * one["model"], rel=1e-4)


def test_the_same_seed_is_the_same_plan_and_another_is_another():
    first, again = (run("--trace", "office:5/h", "--policy", "none", "--output", "json").stdout for _ in range(2))
    other = run("--trace", "office:5/h", "--policy", "none", "--seed", "2", "--output", "json").stdout

    assert first == again
    assert first != other


def test_pings_within_the_idle_time_leave_no_request_cold_at_work():
    found = planned("--trace", OFFICE, "--policy", "none", "--policy", "ping:270s@08-18")

    assert found["policies"]["none"]["cold_share"] > 0.1
    assert found["policies"]["ping:270s@08-18"]["cold_share"] < 0.02
    assert found["policies"]["ping:270s@08-18"]["usd_per_month"] > found["policies"]["none"]["usd_per_month"]


SHAPES = {
    "ISO 8601": ("timestamp", ["2026-11-02T08:00:00Z", "2026-11-02T09:00:00+01:00"], [1793606400, 1793606400]),
    "seconds": ("timestamp", ["1793606400.5"], [1793606400.5]),
    "Azure's": ("TIMESTAMP,ContextTokens,GeneratedTokens", ["2023-11-16 18:17:03.9799600,4808,10"], [1700158623.97996]),
}


ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc"


def test_bedrocks_own_count_becomes_requests_spread_over_each_minute():
    trace = spread([(0.0, 2.0), (600.0, 3.0)], Lengths(1))

    assert list(trace.at) == [0, 30, 600, 620, 640]


def test_cloudwatch_that_cannot_be_asked_is_told(monkeypatch):
    # GIVEN a setting with which no client can be made, whatever other tests have left of credentials
    monkeypatch.setenv("AWS_RETRY_MODE", "never")

    result = run("--trace", f"cloudwatch:{ARN}:14d")

    assert result.exit_code == 2
    assert "CloudWatch was not asked for invocations" in result.output
    assert run("--trace", "cloudwatch:apexguru:14d").exit_code == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_times_are_read_in_the_shapes_that_there_are(tmp_path, shape):
    header, rows, times = SHAPES[shape]

    trace = read_trace(str(csv(tmp_path, *rows, header=header)), UTC, 1)

    assert list(trace.at) == pytest.approx(times, abs=0.001)
    if shape == "Azure's":
        assert (trace.prompt_tokens[0], trace.completion_tokens[0]) == (4808, 10)


def test_times_without_a_zone_are_in_the_one_that_is_given_also_where_the_clock_goes_back(tmp_path):
    # GIVEN the night in which Berlin's clocks went from 3 o'clock to 2
    rows = ["2026-10-25T01:30:00", "2026-10-25T03:30:00"]

    trace = read_trace(str(csv(tmp_path, *rows)), ZoneInfo("Europe/Berlin"), 1)

    assert trace.at[1] - trace.at[0] == 3 * 3600


def test_a_trace_that_is_in_no_order_is_sorted_and_may_have_a_time_twice(tmp_path):
    trace = read_trace(str(csv(tmp_path, "30", "10", "20", "10")), UTC, 1)

    assert list(trace.at) == [10, 10, 20, 30]


def test_our_own_log_lines_are_a_trace(tmp_path):
    line = {"message": "request", "timestamp": "2026-11-27 09:10:47,032+0000", "status": 200, "completion_length": 9}
    lines = [
        {**line, "prompt_tokens": 7, "completion_tokens": 8},
        {**line, "status": 503},
        {"message": "other"},
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\nno JSON\n")

    trace = read_trace(str(file), UTC, 1)

    assert (len(trace), trace.prompt_tokens[0], trace.completion_tokens[0]) == (1, 7, 8)


def test_servegens_rates_become_requests(tmp_path):
    file = tmp_path / "chunk-0-trace.csv"
    file.write_text("0,0.5,1.0,gamma,1,1\n600,0,1.0,gamma,1,1\n1200,1.0,2.0,gamma,1,1\n")

    trace = read_trace(f"servegen:{file}", UTC, 1)

    assert len(trace) == pytest.approx(900, rel=0.2)
    assert not [at for at in trace.at if 600 <= at < 1200]


def test_a_spreadsheets_file_is_read_as_it_is(tmp_path):
    file = tmp_path / "trace.csv"
    file.write_bytes("timestamp;prompt_tokens;completion_tokens\r\n0;10;20\r\n60;;\r\n".encode("utf-8-sig"))

    trace = read_trace(str(file), UTC, 1)

    assert (trace.prompt_tokens[0], trace.completion_tokens[0]) == (10, 20)
    # Empty cells are tokens that nobody knows: they are drawn.
    assert trace.prompt_tokens[1] > 100


NO_TRACES = {
    "nothing": "",
    "no time": "a,b\n1,2\n",
    "a time that is none": "timestamp\nnever\n",
    "no number": "timestamp\nnan\n",
    "milliseconds": "timestamp\n1700000000000\n",
    "a time before 1970": "timestamp\n-5\n",
    "a century": "timestamp\n0\n3000000000\n",
    "tokens that are none": "timestamp,prompt_tokens\n5,x\n",
    "tokens below none": "timestamp,prompt_tokens\n5,-1\n",
    "endless tokens": "timestamp,completion_tokens\n5,1e400\n",
    "too many tokens": "timestamp,completion_tokens\n5,99999999999\n",
    "log lines of others": '{"message": "request"}\n',
}


@pytest.mark.parametrize("text", NO_TRACES.values(), ids=NO_TRACES)
def test_what_is_no_trace_is_refused_with_a_sentence(tmp_path, text):
    file = tmp_path / "trace.csv"
    file.write_text(text)

    with pytest.raises(TraceError):
        read_trace(str(file), UTC, 1)
    result = run("--trace", file)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_trace_without_a_request_costs_the_storage_alone(tmp_path):
    found = planned("--trace", csv(tmp_path))

    assert found["policies"]["none"]["usd_per_month"] == 1.95
    assert found["policies"]["none"]["p95_s"] is None


def test_a_page_that_cannot_be_written_is_told():
    result = run("--trace", OFFICE, "--policy", "none", "--html", "/nowhere/plan.html")

    assert result.exit_code == 2
    assert "/nowhere/plan.html cannot be written" in result.output


UNKNOWN = [
    ("trace", "office:many/h"),
    ("policy", "ping:5m@18-08"),
    ("policy", "ping:5m@20-30"),
    ("policy", "hope"),
    ("time-zone", "Mars"),
    ("instance", "ml.x"),
    ("model", "x"),
]


@pytest.mark.parametrize("option, value", UNKNOWN)
def test_what_is_not_known_is_told(option, value):
    result = run("--trace", OFFICE, f"--{option}", value)

    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_policies_are_read():
    assert parse("none") is None
    assert parse("ping:14m") == (840.0, None)
    assert parse("ping:270s@08-18") == (270.0, (8, 18))
    assert parse("batch:hourly") is Batches.HOURLY
    with pytest.raises(PolicyError):
        parse("ping:0s")


def moment(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    "batches, zone, at, end",
    [
        (Batches.HOURLY, "UTC", "2026-11-02T08:00:00", "2026-11-02T09:00:00"),
        (Batches.HOURLY, "Asia/Kolkata", "2026-11-02T08:59:59", "2026-11-02T09:00:00"),
        (Batches.NIGHTLY, "Europe/Berlin", "2026-11-02T00:00:00", "2026-11-03T00:00:00"),
        # The day on which clocks go back has 25 hours, the one on which they go forward 23.
        (Batches.NIGHTLY, "Europe/Berlin", "2026-10-25T12:00:00", "2026-10-26T00:00:00"),
        (Batches.NIGHTLY, "Europe/Berlin", "2026-03-29T01:30:00", "2026-03-30T00:00:00"),
    ],
)
def test_a_batch_ends_by_the_local_clock(batches, zone, at, end):
    place = ZoneInfo(zone)

    assert batches.end(moment(at, place), place) == moment(end, place)


def test_a_batch_makes_its_requests_wait_but_is_not_billed_for_their_wait(tmp_path):
    # GIVEN a request half an hour before the hour ends
    trace = csv(tmp_path, "1800", header="timestamp")

    found = planned("--trace", trace, "--policy", "batch:hourly", "--hours", 1)["policies"]["batch:hourly"]

    assert found["p95_s"] == pytest.approx(1800 + found["mean_served_s"], abs=0.01)
    assert found["mean_served_s"] < 120
    # Step Functions bills an execution, not the queue before it.
    assert found["usd"]["path"] < 0.01 * HOURS_PER_MONTH


def test_nobody_is_billed_for_the_requests_of_a_batch_that_are_not_sent_yet(tmp_path):
    # GIVEN a batch of two hundred, of which one copy takes twelve at once
    trace = csv(tmp_path, *(["1800"] * 200))

    found = planned("--trace", trace, "--policy", "batch:hourly", "--hours", 1)["policies"]["batch:hourly"]

    # THEN an execution takes some seconds, but for the first twelve, which wait for the model
    assert found["mean_served_s"] < 25
    assert found["p95_s"] > 1800 + 200


def test_pings_are_paid_for_like_requests(tmp_path):
    # GIVEN two requests an hour apart, and a ping a minute in between, or each other minute
    trace = csv(tmp_path, "0", "3600")

    found = planned("--trace", trace, "--policy", "ping:60s", "--policy", "ping:120s", "--hours", 1)["policies"]

    # THEN thirty pings an hour more cost what thirty short requests do
    usd_of_a_short_request = total(step_path(Load(0.1))) / MILLION
    often, seldom = (found[name]["usd"]["path"] for name in ("ping:60s", "ping:120s"))
    assert often - seldom == pytest.approx(30 * 730 * usd_of_a_short_request, abs=0.03)


def test_instances_are_counted_by_the_peak_of_a_warm_model(tmp_path):
    # GIVEN a request each two seconds, of which dozens pile up while the model is cold
    trace = csv(tmp_path, *(str(2 * number) for number in range(1800)))

    found = planned("--trace", trace, "--policy", "none")

    assert found["policies"]["none"]["peak_requests"] > 12
    assert found["alternatives"]["sagemaker"]["count"] == 1


def test_more_at_once_than_an_instance_serves_needs_another(tmp_path):
    trace = csv(tmp_path, *(["0"] * 30))

    assert planned("--trace", trace, "--policy", "none")["alternatives"]["sagemaker"]["count"] == 3


def test_each_assumption_is_told_with_what_it_weighs():
    found = planned("--trace", OFFICE, "--policy", "none")["sensitivity"]

    assert found["base"] == planned("--trace", OFFICE, "--policy", "none")["policies"]["none"]["usd_per_month"]
    # A model that stays longer without requests costs more, and finds fewer of them cold.
    idle = found["assumptions"]["idle_seconds"]
    assert idle["usd_per_month"][0] < found["base"] < idle["usd_per_month"][1]
    assert idle["cold_share"][0] > idle["cold_share"][1]
    zero = found["assumptions"]["sagemaker_zero_idle_seconds"]
    assert zero["usd_per_month"][0] < zero["usd_per_month"][1]


def test_the_first_requests_of_a_load_are_a_load_that_lasts_as_much_shorter():
    trace = read_trace("steady:10/h", UTC, 1)

    first = trace.head(1000)

    assert (len(first), first.at[-1]) == (1000, trace.at[999])
    assert first.hours == pytest.approx(trace.hours * 1000 / len(trace))


def test_proxies_that_are_always_on_pay_from_a_rate_on():
    found = planned("--trace", OFFICE, "--policy", "none")["break_even"]["proxies"]

    # Two of them for an hour, over what a request of some seconds costs on the step path.
    assert found["requests_per_hour"] == pytest.approx(2 * INSTANCE_HOUR["ml.c5.large"] / (0.000033), rel=0.3)


def test_a_profile_of_a_bench_run_takes_the_case_studys_place(tmp_path):
    file = tmp_path / "model.json"
    profile = {"cold_start_seconds": {"value": 10, "from": "measured"}}
    file.write_text(json.dumps({"schema": 1, "units": 2, "profile": profile}))

    found = planned("--trace", OFFICE, "--model", file, "--policy", "none")

    assert found["trace"]["units"] == 2
    assert found["policies"]["none"]["p95_s"] < 30
    assert found["sensitivity"]["assumptions"]["cold_start_seconds"]["value"] == 10


def test_another_price_changes_the_answer(tmp_path):
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"prices": {"INSTANCE_HOUR ml.g6e.xlarge": {"usd": 0.01, "per": "hour"}}}))

    assert "costs more" in planned("--trace", OFFICE, "--prices", file)["what_would_change_the_answer"]


def test_the_page_loads_nothing_and_names_its_charts(tmp_path):
    page = tmp_path / "plan.html"

    result = run("--trace", OFFICE, "--html", page)

    assert result.exit_code == 0
    text = page.read_text()
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    assert text.count('role="img" aria-label=') == 2
    assert "prefers-color-scheme: dark" in text
    assert "Break-even" in result.stdout


def test_a_load_shorter_than_a_day_is_told_to_say_little_about_a_month(tmp_path):
    trace = csv(tmp_path, *(str(60 * number) for number in range(60)))

    assert "730 times" in run("--trace", trace, "--policy", "none").output
    assert "times it" not in run("--trace", OFFICE, "--policy", "none").output


def test_an_endpoint_that_scales_to_zero_is_not_billed_beyond_the_load(tmp_path):
    # GIVEN ten minutes, after which an instance would stay for fifteen
    trace = csv(tmp_path, "0", "600")

    found = planned("--trace", trace, "--policy", "none", "--hours", 0.2)["alternatives"]["sagemaker_zero"]

    assert found["instance_hours_per_month"] == pytest.approx(HOURS_PER_MONTH, abs=0.1)


def test_a_load_of_somebody_elses_is_shipped_with_its_licence_and_its_authors():
    told = (OFFICE.parent / "README.md").read_text()
    sample = (OFFICE.parent / "azure-code-2023-sample.csv").read_text().splitlines()

    for file in OFFICE.parent.glob("*.csv"):
        assert f"`{file.name}`" in told
    for name in ("Microsoft", "Splitwise", "LICENSE-CC-BY-4.0.txt", "Changed:"):
        assert name in told
    licence = (OFFICE.parent / "LICENSE-CC-BY-4.0.txt").read_text()
    assert licence.startswith("Creative Commons Attribution 4.0 International")
    # Every row is one that the command in README.md takes from the original.
    command = re.search(r"grep -E '(.+)'", told)[1]
    assert [row for row in sample if not re.search(command, row)] == []
    assert len(read_trace(str(OFFICE.parent / "azure-code-2023-sample.csv"), UTC, 1)) == 135


def test_memory_grows_by_bytes_a_request(tmp_path):
    dice = random.Random(1)
    file = csv(tmp_path, *(f"{dice.random() * 1e6:.3f}" for _ in range(50_000)))
    tracemalloc.start()
    try:
        trace = read_trace(str(file), UTC, 1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(trace) == 50_000
    assert kept / 50_000 < 25


def test_up_to_forty_per_cent_is_what_the_documented_load_saves():
    found = planned("--trace", "steady:11/h", "--policy", "none")

    saved = 1 - found["policies"]["none"]["usd_per_month"] / found["alternatives"]["sagemaker"]["usd_per_month"]
    assert 0.38 < saved < 0.42
