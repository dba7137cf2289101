"""The cost model against sums done by hand from AWS's price pages for us-east-1."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.costs import (
    Load,
    Upkeep,
    always_on,
    break_even,
    model_windows,
    snapstart,
    standing,
    step_path,
    stream_path,
    total,
)
from tollgate.costs.formula import ALARM_METRICS
from tollgate.stack import Stack


def usd(lines, name):
    return next(line.usd for line in lines if line.name == name)


def test_an_eight_second_answer_on_the_step_path_costs_what_the_price_pages_say():
    # GIVEN an answer that takes eight seconds, and functions that are always warm and billed for five milliseconds
    lines = step_path(Load(8, function_ms=5, cold_share=0))

    # THEN Step Functions bills 8 s of 64 MB, a sixteenth of a GB: 8/16 GB-s · $0.06 / 3600 s · a million
    assert usd(lines, "Step Functions, duration") == pytest.approx(8.333, abs=0.001)
    assert usd(lines, "Step Functions, requests") == 1.00
    # AND Lambda two calls at $0.20, and two times 0.005 s · 0.5 GB · $13.3334 a million GB-s
    assert usd(lines, "Lambda, Preprocess and Postprocess") == pytest.approx(0.40 + 0.0667, abs=0.0001)
    # AND DynamoDB half a read unit at $0.125 a million, API Gateway $3.50, logs 2.1 KB at $0.50 a GB
    assert usd(lines, "DynamoDB") == 0.0625
    assert usd(lines, "API Gateway") == 3.50
    assert usd(lines, "CloudWatch Logs") == pytest.approx(1.05)
    # AND in all
    assert total(lines) == pytest.approx(15.02, abs=0.01)


def test_step_functions_rounds_an_execution_up_to_a_tenth_of_a_second():
    assert usd(step_path(Load(0.901)), "Step Functions, duration") == usd(
        step_path(Load(1.0)), "Step Functions, duration"
    )


def test_the_stream_function_is_billed_while_it_waits():
    # GIVEN an eight-second answer, streamed by a function of half a GB that is always warm
    lines = stream_path(Load(8, stream_mb=512, cold_share=0))

    # THEN Lambda is one call at $0.20 and 8 s · 0.5 GB · $13.3334 a million GB-s = $53.33
    assert usd(lines, "Lambda, Stream") == pytest.approx(53.53, abs=0.01)


def test_a_function_cold_start_is_billed_for_its_initialisation():
    # GIVEN one call in ten that starts an environment for 400 ms, which is 40 ms for each call
    warm, cold = step_path(Load(1, cold_share=0)), step_path(Load(1, cold_share=0.1, init_ms=400))

    # THEN two functions of half a GB cost 2 · 0.04 s · 0.5 GB · $13.3334 more
    assert total(cold) - total(warm) == pytest.approx(0.533, abs=0.001)


def test_always_on_instances_cost_the_less_per_request_the_more_requests_come():
    # GIVEN two instances at $0.204 an hour, and one request a second, 3600 an hour
    # THEN a million requests cost 0.408 / 3600 · a million
    assert total(always_on(1)) == pytest.approx(113.33, abs=0.01)
    assert total(always_on(10)) == pytest.approx(11.33, abs=0.01)


@pytest.mark.parametrize("seconds", [1, 8, 30])
def test_at_the_break_even_rate_both_cost_the_same(seconds):
    path = step_path(Load(seconds))
    assert total(always_on(break_even(path))) == pytest.approx(total(path))


def test_a_model_copy_that_never_idles_costs_its_units_by_the_minute():
    # GIVEN one copy of one unit at $0.05718 a minute: 60 minutes
    assert model_windows() == pytest.approx(3.4308)
    # AND two units in every second window
    assert model_windows(units=2, active_share=0.5) == pytest.approx(3.4308)


def test_snapstart_is_paid_for_every_version_that_exists():
    # GIVEN 512 MB for 730 hours: 0.5 GB · $0.0000015046 · 2,628,000 s
    assert snapstart(function_mb=512) == pytest.approx(1.977, abs=0.001)
    assert snapstart(function_mb=512, versions=3) == pytest.approx(5.931, abs=0.001)


def test_a_deployment_that_nobody_uses_costs_what_it_keeps():
    # GIVEN one model of one unit, 1 GB of logs and no request for a month
    lines = standing(Upkeep(models=1, units=1, hours_in_use=0, logs_gb=1, table_gb=0))

    # THEN storage $1.95, five alarmed metrics at $0.10, and $0.03 for the logs
    assert usd(lines, "CloudWatch, alarms") == pytest.approx(0.50)
    assert usd(lines, "CloudWatch, metrics") == 0
    assert total(lines) == pytest.approx(1.95 + 0.50 + 0.03)


def test_metrics_cost_by_model_code_and_hour_of_use():
    # GIVEN 19 models and two codes: 5 metrics of the stack, 4 of each model and 3 of its one variant, 2 of each code,
    # 5 of API Gateway's method
    lines = standing(Upkeep(models=19, codes=2))

    # THEN 147 metrics at $0.30, and half of it where requests come in half of the hours
    assert usd(lines, "CloudWatch, metrics") == pytest.approx(44.1)
    half = standing(Upkeep(models=19, codes=2, hours_in_use=365))
    assert usd(half, "CloudWatch, metrics") == pytest.approx(22.05)


def test_a_second_variant_of_a_model_costs_three_metrics_more():
    one, two = (usd(standing(Upkeep(variants=variants)), "CloudWatch, metrics") for variants in (1, 2))

    assert two - one == pytest.approx(3 * 0.30)


def test_without_alarms_neither_they_nor_the_metrics_for_them_cost():
    lines = standing(Upkeep(models=1, codes=0, alarms=False))

    assert usd(lines, "CloudWatch, alarms") == 0
    assert usd(lines, "CloudWatch, metrics") == pytest.approx(12 * 0.30)


def test_a_dashboard_costs_three_dollars_and_the_metrics_of_the_streaming_method():
    without, plain, bare = (
        standing(Upkeep(dashboard=dashboard, alarms=alarms))
        for dashboard, alarms in ((False, True), (True, True), (True, False))
    )

    assert usd(without, "CloudWatch, dashboard") == 0
    assert usd(plain, "CloudWatch, dashboard") == 3.0
    assert usd(plain, "CloudWatch, metrics") - usd(without, "CloudWatch, metrics") == pytest.approx(5 * 0.30)
    # Without alarms the dashboard still needs both methods.
    assert usd(bare, "CloudWatch, metrics") == usd(plain, "CloudWatch, metrics")


def test_the_alarms_that_are_counted_are_the_templates():
    alarms = Stack.load(ROOT / "template.yaml").resources("AWS::CloudWatch::Alarm").values()
    watched = [
        query
        for alarm in alarms
        for query in alarm.properties.get("Metrics", [{"MetricStat": {}}])
        if "MetricStat" in query
    ]

    assert len(watched) == ALARM_METRICS


class _Template(yaml.SafeLoader):
    """YAML in which CloudFormation's short functions are read as nothing."""


_Template.add_multi_constructor("!", lambda loader, suffix, node: None)


def test_the_defaults_are_what_the_template_gives_the_functions():
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Template)
    assert Load(1).function_mb == template["Globals"]["Function"]["MemorySize"]
    assert Load(1).stream_mb == template["Resources"]["StreamFunction"]["Properties"]["MemorySize"]


def test_the_command_prints_a_table_for_each_answer_time():
    # WHEN costs are asked for with another answer time and rate
    result = CliRunner().invoke(main, ["cost", "--seconds", "2", "--seconds", "8", "--rate", "1"])

    # THEN both are columns, and the instances' row is that of the rate
    assert result.exit_code == 0
    assert "2 s" in result.output
    assert "113.33" in result.output
    # AND so is what a month costs without a request
    assert "1 model, idle" in result.output


def test_the_command_refuses_a_time_that_is_not_one():
    result = CliRunner().invoke(main, ["cost", "--seconds", "0"])
    assert result.exit_code == 2
    assert "0" in result.output
