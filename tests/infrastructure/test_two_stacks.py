"""Two stacks in one account and Region, such as staging and production, keep out of each other's way."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT
from tests.infrastructure.test_alarms import alarms, dimensions_of, metrics_of
from tollgate.stack import Stack
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.request_log import STACK_VARIABLE, RequestLog, function_logger

# Properties that name a thing for the whole account and Region.
NAMES = {"ApiKeyName", "FunctionName", "LayerName", "LogGroupName", "RoleName", "StateMachineName", "TableName",
         "TopicName", "UsagePlanName"}  # fmt: skip


@pytest.fixture(scope="module")
def stacks():
    return [Stack.load(ROOT / "template.yaml", name=name) for name in ("staging", "production")]


def names(stack):
    """Every name that the template itself gives."""
    found = set()
    for type_ in set(stack.types().values()):
        for resource in stack.resources(type_).values():
            found |= {(type_, resource.properties[name]) for name in NAMES & resource.properties.keys()}
    return found


def test_nothing_has_the_same_name(stacks):
    staging, production = map(names, stacks)

    assert len(staging) >= 2
    assert staging & production == set()


def test_no_alarm_watches_a_metric_of_the_other_stack(stacks):
    watched = []
    for stack in stacks:
        metrics = [metric for alarm in alarms(stack).values() for metric in metrics_of(alarm)]
        watched.append(
            {json.dumps([metric["MetricName"], dimensions_of(metric)], sort_keys=True) for metric in metrics}
        )

    assert len(watched[0]) == len(watched[1]) >= 5
    assert watched[0] & watched[1] == set()


def test_no_metric_is_counted_together_with_the_other_stacks(monkeypatch, capsys):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "two-stacks")  # loggers of one service share a handler
    counted = []
    for name in ("staging", "production"):
        monkeypatch.setenv(STACK_VARIABLE, name)
        log = RequestLog(function_logger())
        log.failed(ApiError("model_not_ready"))
        log.write()
        metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
        (directive,) = metrics["_aws"]["CloudWatchMetrics"]
        counted.append({tuple((key, metrics[key]) for key in keys) for keys in directive["Dimensions"]})

    assert len(counted[0]) == 2
    assert counted[0] & counted[1] == set()
