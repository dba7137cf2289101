"""Alarms watch metrics that there are, each with a threshold of its own, and tell the topic."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT
from tollgate.stack import Stack
from tollgate_layer.inference.failures.errors import ERRORS, ApiError
from tollgate_layer.inference.request_log import STACK_VARIABLE, RequestLog, function_logger
from tollgate_layer.inference.telemetry import NAMESPACE

ALARMS = {
    "ErrorRateAlarm": "ErrorRateAlarmPercent",
    "ModelNotReadyAlarm": "ModelNotReadyAlarmCount",
    "ModelThrottledAlarm": "ModelThrottledAlarmCount",
    "LatencyAlarm": "LatencyAlarmMillis",
}


def alarms(stack):
    return stack.resources("AWS::CloudWatch::Alarm")


def metrics_of(alarm):
    properties = alarm.properties
    if "Metrics" not in properties:
        return [properties]
    return [query["MetricStat"]["Metric"] for query in properties["Metrics"] if "MetricStat" in query]


def dimensions_of(metric):
    return {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}


def test_there_is_an_alarm_for_errors_cold_models_throttling_and_latency(stack):
    assert set(alarms(stack)) == set(ALARMS)


@pytest.mark.parametrize("name, parameter", ALARMS.items())
def test_an_alarms_threshold_is_a_parameter(name, parameter):
    stack = Stack.load(ROOT / "template.yaml", {parameter: "17"})

    assert str(alarms(stack)[name].properties["Threshold"]) == "17"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_topic_and_is_quiet_without_traffic(stack, name):
    properties = alarms(stack)[name].properties
    (topic,) = stack.resources("AWS::SNS::Topic").values()

    assert properties["AlarmActions"] == properties["OKActions"] == [stack.arn(topic.logical_id)]
    assert properties["TreatMissingData"] == "notBreaching"
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"


HOOK = "arn:aws:lambda:us-east-1:123456789012:function:tollgate-hook-*"
CODES = {
    "HookFailedAlarm": "hook_failed",
    "ModelNotReadyAlarm": "model_not_ready",
    "ModelThrottledAlarm": "model_throttled",
}


@pytest.mark.parametrize("name, code", CODES.items())
def test_alarms_on_codes_watch_the_metric_that_the_functions_write(name, code):
    stack = Stack.load(ROOT / "template.yaml", {"HookFunctionArns": HOOK})
    (metric,) = metrics_of(alarms(stack)[name])

    assert (metric["Namespace"], metric["MetricName"]) == (NAMESPACE, "Failures")
    assert dimensions_of(metric) == {"stack": "tollgate", "code": code}
    assert code in ERRORS


@pytest.mark.parametrize("name", ["PreprocessFunction", "PostprocessFunction", "StreamFunction"])
def test_every_function_knows_the_stack_whose_metrics_it_writes(name):
    stack = Stack.load(ROOT / "template.yaml", name="staging")

    variables = stack.resources("AWS::Lambda::Function")[name].properties["Environment"]["Variables"]
    assert variables[STACK_VARIABLE] == "staging"


def test_a_failure_writes_the_metric_that_the_alarms_watch(stack, capsys, monkeypatch):
    monkeypatch.setenv(STACK_VARIABLE, "tollgate")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "alarms")  # loggers of one service share a handler, and its stream
    log = RequestLog(function_logger(), request_id="r-1", attempts=4)

    log.failed(ApiError("model_not_ready", upstream="Bedrock.ModelNotReadyException"))
    log.write()

    line, metric = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert {"request_id": "r-1", "code": "model_not_ready", "attempts": 4, "status": 503}.items() <= line.items()
    assert line["upstream"] == "Bedrock.ModelNotReadyException"
    assert (metric["Failures"], metric["code"]) == (1, "model_not_ready")
    (directive,) = metric["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], {"Name": "Failures", "Unit": "Count"} in directive["Metrics"]) == (NAMESPACE, True)
    (watched,) = metrics_of(alarms(stack)["ModelNotReadyAlarm"])
    assert list(dimensions_of(watched)) in directive["Dimensions"]
    assert {name: metric[name] for name in dimensions_of(watched)} == dimensions_of(watched)


@pytest.mark.parametrize("name", ["ErrorRateAlarm", "LatencyAlarm"])
def test_alarms_on_the_api_watch_this_api(stack, openapi, name):
    (api,) = stack.resources("AWS::ApiGateway::RestApi").values()
    (stage,) = stack.resources("AWS::ApiGateway::Stage").values()

    for metric in metrics_of(alarms(stack)[name]):
        dimensions = dimensions_of(metric)
        assert metric["Namespace"] == "AWS/ApiGateway"
        assert dimensions["ApiName"] == api.properties["Name"]
        assert dimensions["Stage"] == stage.properties["StageName"]
        assert (
            dimensions.get("Method", "POST").lower() in openapi["paths"][dimensions.get("Resource", "/v1/completions")]
        )


def test_alarms_go_to_an_address_only_where_one_is_given(stack):
    address = "operator@example.com"
    given = Stack.load(ROOT / "template.yaml", {"AlarmEmail": address})

    assert stack.resources("AWS::SNS::Subscription") == {}
    (subscription,) = given.resources("AWS::SNS::Subscription").values()
    assert subscription.properties["Endpoint"] == address
