"""Metrics are read from functions' lines, and told as CloudWatch does."""

from __future__ import annotations

import json

import pytest

from tests.stream.conftest import Log
from tollgate.emulators.cloudwatch import MetricStore
from tollgate.emulators.cloudwatch.metrics import Metric
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.request_log import RequestLog

DIMENSIONS = frozenset({("stack", "s"), ("model", "m")})
REQUESTS = Metric("Tollgate", "Requests", DIMENSIONS)


class Now:
    def __init__(self):
        self.time = 1200.0

    def __call__(self):
        return self.time


def line(value=1):
    metadata = {
        "CloudWatchMetrics": [
            {"Namespace": "Tollgate", "Dimensions": [["stack", "model"]], "Metrics": [{"Name": "Requests"}]}
        ]
    }
    return json.dumps({"_aws": metadata, "stack": "s", "model": "m", "Requests": value})


def test_values_are_told_by_period():
    now = Now()
    store = MetricStore(now)
    for second, value in ((0, 1), (30, 2), (61, 5)):
        now.time = 1200.0 + second
        assert store.read_line(line(value))
    now.time = 1400.0

    assert store.statistics(REQUESTS, 1200, 1400, 60, "Sum") == [(1200, 3), (1260, 5)]
    assert store.statistics(REQUESTS, 1200, 1260, 60, "Sum") == [(1200, 3)]
    assert store.statistics(Metric("Tollgate", "Requests", frozenset()), 1200, 1400, 60, "Sum") == []


@pytest.mark.parametrize(
    "statistic, value",
    [("SampleCount", 4), ("Average", 2.5), ("Minimum", 1), ("Maximum", 4), ("p50", 2.5), ("p100", 4), ("p0", 1)],
)
def test_each_statistic(statistic, value):
    now = Now()
    store = MetricStore(now)
    store.read_line(line([1, 2, 3, 4]))
    now.time += 60

    assert store.statistics(REQUESTS, 1200, 1300, 60, statistic) == [(1200, value)]


def test_what_is_fresh_is_seen_later_where_that_is_set():
    now = Now()
    store = MetricStore(now, delay_s=90)
    store.read_line(line())
    now.time += 80
    assert store.statistics(REQUESTS, 1200, 1400, 60, "Sum") == []
    now.time += 20
    assert store.statistics(REQUESTS, 1200, 1400, 60, "Sum") == [(1200, 1)]


@pytest.mark.parametrize("text", ["", "hello", '{"CloudWatchMetrics": 1}', '{"_aws": {"CloudWatchMetrics": 3'])
def test_other_lines_are_left_alone(text):
    assert not MetricStore(Now()).read_line(text)


def test_the_functions_own_lines_are_read(capsys):
    now = Now()
    store = MetricStore(now)
    log = RequestLog(Log().logger, model="m")
    log.failed(ApiError("timeout"))
    log.write()
    assert store.read_line(capsys.readouterr().out)
    now.time += 1

    names = {(metric.name, *sorted(dict(metric.dimensions))) for metric in store.metrics()}
    assert ("Failures", "code", "stack") in names
