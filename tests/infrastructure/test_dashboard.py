"""The dashboard: there when asked for, and every metric and log field in it is one that somebody writes."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import ROOT
from tests.inference.conftest import prepared, record
from tests.infrastructure.conftest import strings
from tollgate.costs.prices import CUSTOM_MODEL_UNIT_MINUTE
from tollgate.stack import Stack
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.request_log import STACK_VARIABLE, RequestLog, function_logger
from tollgate_layer.inference.telemetry import NAMESPACE

# Metrics of AWS's own, with the dimensions under which it writes them:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-runtime-metrics.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html (names no dimension)
STAGE = ("ApiName", "Stage")
METHOD = ("ApiName", "Stage", "Resource", "Method")
OF_AWS = {
    *(("AWS/ApiGateway", name, STAGE) for name in ("Count", "4XXError", "5XXError")),
    ("AWS/ApiGateway", "Latency", METHOD),
    *(("AWS/Lambda", name, ("FunctionName",)) for name in ("Errors", "Throttles", "ConcurrentExecutions")),
    *(("AWS/Bedrock", name, ("ModelId",)) for name in ("Invocations", "InvocationLatency")),
    ("AWS/Bedrock", "ModelCopy", ()),
}
SEARCHED = re.compile(r"""SEARCH\('(?:\{([\w/]+)((?:,\w+)*)\}|Namespace="([\w/]+)")[^']*MetricName="(\w+)"'""")


@pytest.fixture(scope="module")
def with_dashboard():
    return Stack.load(ROOT / "template.yaml", {"Dashboard": "true"}, name="models-eu")


@pytest.fixture(scope="module")
def widgets(with_dashboard):
    (dashboard,) = with_dashboard.resources("AWS::CloudWatch::Dashboard").values()
    return json.loads(dashboard.properties["DashboardBody"])["widgets"]


def rows(widget):
    """The metrics of a widget, written out: `...` stands for what is above, but for the names that follow."""
    above = []
    for row in widget["properties"].get("metrics", []):
        names = [part for part in row if isinstance(part, str)]
        if names[:1] == ["..."]:
            names = above[: len(above) - len(names) + 1] + names[1:]
        above = names
        yield names, next((part for part in row if isinstance(part, dict)), {})


def metrics(widgets):
    """Every metric that is drawn or searched for: (namespace, name, dimensions, their values)."""
    for widget in widgets:
        for names, options in rows(widget):
            if names:
                yield names[0], names[1], tuple(names[2::2]), tuple(names[3::2])
            for braced, dimensions, bare, name in SEARCHED.findall(options.get("expression", "")):
                yield braced or bare, name, tuple(dimensions.split(",")[1:]), ()


@pytest.fixture
def written(capsys, monkeypatch):
    """What the functions write, as (namespace, name, dimensions): every kind of answer and failure once."""
    monkeypatch.setenv(STACK_VARIABLE, "models-eu")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "dashboard")
    spec = prepared(record()).spec
    empty = {"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}
    empty["usage"] = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    ends = [lambda log: log.completed(spec, complete(spec, empty).outcome, 1.0)]
    for code in ("model_not_ready", "model_throttled", "timeout"):
        ends.append(lambda log, code=code: log.failed(ApiError(code)))
    found = set()
    for key_id in ("k-1", "keep-warm"):
        for end in ends:
            log = RequestLog(function_logger(), key_id=key_id)
            log.asked(spec)
            end(log)
            log.write()
            for directive in json.loads(capsys.readouterr().out.splitlines()[-1])["_aws"]["CloudWatchMetrics"]:
                for dimensions in directive["Dimensions"]:
                    found |= {(NAMESPACE, metric["Name"], tuple(dimensions)) for metric in directive["Metrics"]}
    return found


def test_there_is_none_by_default(stack):
    assert stack.resources("AWS::CloudWatch::Dashboard") == {}
    assert "DashboardUrl" not in stack.outputs()


def test_every_metric_is_one_that_the_functions_or_aws_write(widgets, written):
    drawn = {(namespace, name, dimensions) for namespace, name, dimensions, _ in metrics(widgets)}

    assert len(drawn) > 15
    assert drawn - written - OF_AWS == set()


def test_every_expression_that_searches_is_understood_by_this_test(widgets):
    searches = sum(text.count("SEARCH(") for text in strings(widgets))

    assert searches == sum(len(SEARCHED.findall(text)) for text in strings(widgets)) > 5


def test_our_metrics_are_this_stacks_only(widgets):
    for namespace, name, dimensions, values in metrics(widgets):
        if namespace in (NAMESPACE, "AWS/ApiGateway") and values:
            assert dict(zip(dimensions, values, strict=True))[dimensions[0]] == "models-eu", name
    for text in strings(widgets):
        if f"SEARCH('{{{NAMESPACE}" in text:
            assert 'stack="models-eu"' in text


def test_the_functions_and_logs_are_the_stacks(with_dashboard, widgets):
    functions = {function.name for function in with_dashboard.resources("AWS::Lambda::Function").values()}
    groups = {group.name for group in with_dashboard.resources("AWS::Logs::LogGroup").values()}
    named = {values[0] for namespace, *_, values in metrics(widgets) if namespace == "AWS/Lambda"}
    sources = {source for text in strings(widgets) for source in re.findall(r"SOURCE '([^']+)'", text)}

    assert named == functions - {f"{with_dashboard.name}-ReleaseFunction"}  # no request passes it
    assert len(sources) == 4
    assert sources <= groups


def test_a_methods_latency_is_drawn_only_where_it_is_measured(widgets):
    drawn = {values[2] for *_, dimensions, values in metrics(widgets) if dimensions == METHOD}
    both = {"/v1/chat/completions", "/stream/v1/chat/completions"}

    for alarms in ("true", "false"):
        stack = Stack.load(ROOT / "template.yaml", {"Dashboard": "true", "Alarms": alarms})
        (stage,) = stack.resources("AWS::ApiGateway::Stage").values()
        measured = [each for each in stage.properties["MethodSettings"] if each.get("MetricsEnabled") == "true"]
        assert {each["ResourcePath"][1:].replace("~1", "/") for each in measured} == drawn == both
        assert {each["ThrottlingRateLimit"] for each in measured} == {"1000"}


def test_the_alarms_are_on_it_where_there_are_alarms(with_dashboard, widgets):
    (shown,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    without = Stack.load(ROOT / "template.yaml", {"Dashboard": "true", "Alarms": "false"})
    (dashboard,) = without.resources("AWS::CloudWatch::Dashboard").values()

    names = {alarm.name for alarm in with_dashboard.resources("AWS::CloudWatch::Alarm").values()}
    assert {arn.rpartition(":")[2] for arn in shown} == names
    assert {widget["type"] for widget in json.loads(dashboard.properties["DashboardBody"])["widgets"]} == {
        "text", "metric", "log"}  # fmt: skip


def test_money_is_counted_with_the_price_of_the_cost_model(widgets):
    (dollars,) = [text for text in strings(widgets) if text.startswith("windows *")]

    assert dollars == f"windows * 12 * 5 * {CUSTOM_MODEL_UNIT_MINUTE}"
    assert f"${CUSTOM_MODEL_UNIT_MINUTE} a minute" in widgets[0]["properties"]["markdown"]


def test_the_times_in_the_streams_log_lines_are_written():
    source = (ROOT / "functions" / "stream" / "streaming" / "application.py").read_text()

    assert "time_to_first_token_s=" in source


def test_no_widget_lies_on_another(widgets):
    taken = set()
    for widget in widgets:
        columns = range(widget["x"], widget["x"] + widget["width"])
        places = {(x, y) for x in columns for y in range(widget["y"], widget["y"] + widget["height"])}
        assert not places & taken, widget["properties"].get("title")
        assert max(columns) < 24
        taken |= places


def test_two_stacks_have_two_dashboards():
    names = set()
    for name in ("staging", "production"):
        stack = Stack.load(ROOT / "template.yaml", {"Dashboard": "true"}, name=name)
        (dashboard,) = stack.resources("AWS::CloudWatch::Dashboard").values()
        names.add(dashboard.properties["DashboardName"])

    assert names == {"staging-us-east-1", "production-us-east-1"}
