"""The cost of a million requests, from AWS's published prices: a documented formula, not a bill.

The cost of the model itself, which every path pays alike, is left out; `model_windows` gives it. All amounts are US
dollars per million requests unless their name says otherwise. docs/performance.md shows the tables made from these.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tollgate.costs import prices
from tollgate.costs.prices import CUSTOM_MODEL_WINDOW_MINUTES, MILLION

TRACED_SHARE = 0.05
"""X-Ray's default rule: the first request of each second, which is left out here, and five percent of the rest."""


HOURS_PER_MONTH = 730
ALARM_METRICS = 5
"""What the template's four alarms watch: one of them divides two metrics."""
METRICS = {"stack": 5, "model": 4, "variant": 3, "code": 2, "method": 5}
"""Custom metrics while requests come: of the whole stack, of each model, each variant that answers well, each code of
failure (docs/operations.md), and API Gateway's own of one method. An alarm watches one method, the dashboard shows two.
A variant with failures, cold, throttled, empty and truncated answers has up to five more."""


class Line(NamedTuple):
    """A part of a cost, in US dollars per million requests, or per month for `standing`."""

    name: str
    usd: float


_STEP_LOG_BYTES = 2_100
_STREAM_LOG_BYTES = 1_450
"""Log lines of one request, as measured on 2026-11-26 with the ids of a local stack: 315 bytes of Preprocess's, 425 and
615 (metrics) of Postprocess's, 465 and 615 of Stream's, and about 360 of Lambda's own three in each function."""


class Load(NamedTuple):
    """One kind of request; the defaults are what `make bench` measured and what the template sets."""

    seconds: float
    """Time from the request to the end of the model's answer."""
    function_ms: float = 5
    """Billed time of Preprocess, and of Postprocess, in a warm environment."""
    cold_share: float = 0.01
    """Share of the events for which a function starts an environment, which takes `init_ms`."""
    init_ms: float = 300
    function_mb: int = 512
    stream_mb: int = 512
    answer_bytes: int = 4_000
    """Size of the response."""


class Upkeep(NamedTuple):
    """What a deployment keeps, whether or not requests come."""

    models: int = 1
    variants: int = 1
    """Variants of each model that are asked in these hours."""
    units: int = 1
    """Custom model units of each model's copy."""
    hours_in_use: float = HOURS_PER_MONTH
    """Hours of the month in which requests come, to every model."""
    codes: int = 2
    """Codes of failure that come up in these hours."""
    logs_gb: float = 1
    """Log lines that are kept."""
    table_gb: float = 0.001
    alarms: bool = True
    """The template's parameter Alarms."""
    dashboard: bool = False
    """The template's parameter Dashboard."""


def _lambda(gb_seconds: float) -> float:
    """A million invocations of so many gigabyte-seconds each."""
    return MILLION * (prices.LAMBDA_REQUEST + gb_seconds * prices.LAMBDA_GB_SECOND)


def step_path(load: Load) -> list[Line]:
    """Cost of `/v1`, where Step Functions waits for the model and two functions work for milliseconds.

    3.50 + 1.00 + GB-seconds of the execution + 2 · (0.20 + GB-seconds of the function) + 0.0625 + logs + …
    """
    execution_s = math.ceil(load.seconds * 10) / 10
    function_s = (math.ceil(load.function_ms) + load.cold_share * load.init_ms) / 1000
    function_gb_s = load.function_mb / 1024 * function_s
    return [
        Line("API Gateway", MILLION * prices.API_GATEWAY_REQUEST),
        Line("Step Functions, requests", MILLION * prices.STEP_FUNCTIONS_REQUEST),
        Line("Step Functions, duration", MILLION * execution_s * 64 / 1024 * prices.STEP_FUNCTIONS_GB_SECOND),
        Line(
            "Lambda, Preprocess and Postprocess",
            MILLION * 2 * (prices.LAMBDA_REQUEST + function_gb_s * prices.LAMBDA_GB_SECOND),
        ),
        Line("DynamoDB", MILLION * prices.DYNAMODB_READ),
        *_around(load, _STEP_LOG_BYTES),
    ]


def stream_path(load: Load) -> list[Line]:
    """Cost of `/stream/v1`, where the Stream function is billed for as long as the model answers.

    3.50 + 0.20 + GB-seconds of the whole request + 0.0625 + logs + …
    """
    function_s = load.seconds + load.cold_share * load.init_ms / 1000
    function_gb_s = load.stream_mb / 1024 * function_s
    return [
        Line("API Gateway", MILLION * prices.API_GATEWAY_REQUEST),
        Line("Lambda, Stream", MILLION * (prices.LAMBDA_REQUEST + function_gb_s * prices.LAMBDA_GB_SECOND)),
        Line("DynamoDB", MILLION * prices.DYNAMODB_READ),
        *_around(load, _STREAM_LOG_BYTES),
    ]


def hooks(load: Load, *, hook_ms: float = 20, hook_mb: int = 1769, count: int = 2) -> list[Line]:
    """What a record's hooks cost beside the step path: the team's functions, and one more run of ours for each.

    A hook's start is left out: it depends on what it imports (`tollgate hooks bench`).
    """
    team_gb_s = hook_mb / 1024 * hook_ms / 1000
    our_gb_s = load.function_mb / 1024 * math.ceil(load.function_ms) / 1000
    return [
        Line("Lambda, hooks", MILLION * count * (prices.LAMBDA_REQUEST + team_gb_s * prices.LAMBDA_GB_SECOND)),
        Line(
            "Lambda, our functions again",
            MILLION * count * (prices.LAMBDA_REQUEST + our_gb_s * prices.LAMBDA_GB_SECOND),
        ),
    ]


def always_on(requests_per_second: float, *, instance: str = "ml.c5.xlarge", instances: int = 2) -> list[Line]:
    """Proxy instances that run whether or not requests come; two, for two availability zones.

    instances · hourly price / (3600 · requests per second). That they hold the rate is assumed. What the answers
    cost on their way out is the same as on the other paths, and is left out, as are logs.
    """
    hourly = prices.INSTANCE_HOUR[instance] * instances
    return [Line(f"{instances} x {instance}", MILLION * hourly / (3600 * requests_per_second))]


def break_even(path: list[Line], *, instance: str = "ml.c5.xlarge", instances: int = 2) -> float:
    """The rate (requests per second, day and night) from which always-on instances cost less than `path`."""
    return prices.INSTANCE_HOUR[instance] * instances / 3600 / (total(path) / MILLION)


def model_windows(*, units: int = 1, copies: float = 1, active_share: float = 1) -> float:
    """US dollars per hour of an imported model.

    Model copies · active share of the windows · 12 · 5 minutes · units · price.

    The same on every path. A single request opens a window, so few requests an hour cost as much as many.
    """
    windows = 60 / CUSTOM_MODEL_WINDOW_MINUTES * active_share
    return copies * windows * CUSTOM_MODEL_WINDOW_MINUTES * units * prices.CUSTOM_MODEL_UNIT_MINUTE


def standing(upkeep: Upkeep) -> list[Line]:
    """US dollars per month beside the requests: what exists costs, and metrics cost in hours of use.

    Free tiers (ten alarms, ten metrics, three dashboards, 5 GB of logs, 25 GB in tables) are left out, as everywhere.
    """
    of_each_model = METRICS["model"] + METRICS["variant"] * upkeep.variants
    metrics = METRICS["stack"] + of_each_model * upkeep.models + METRICS["code"] * upkeep.codes
    if upkeep.dashboard:
        metrics += 2 * METRICS["method"]
    elif upkeep.alarms:
        metrics += METRICS["method"]
    month_in_use = upkeep.hours_in_use / HOURS_PER_MONTH
    return [
        Line("Bedrock, storage of the models", upkeep.models * upkeep.units * prices.CUSTOM_MODEL_UNIT_STORAGE_MONTH),
        Line("CloudWatch, alarms", ALARM_METRICS * prices.ALARM_METRIC_MONTH if upkeep.alarms else 0),
        Line("CloudWatch, metrics", metrics * prices.CUSTOM_METRIC_MONTH * month_in_use),
        Line("CloudWatch, dashboard", prices.DASHBOARD_MONTH if upkeep.dashboard else 0),
        Line("CloudWatch, logs that are kept", upkeep.logs_gb * prices.LOGS_GB_MONTH),
        Line("DynamoDB, table and its recovery", upkeep.table_gb * prices.TABLE_GB_MONTH),
    ]


def snapstart(*, function_mb: int, versions: int = 1, restores_per_hour: float = 0) -> float:
    """US dollars per month (730 hours) of SnapStart for one function: the snapshots' cache, and restoring them."""
    gb = function_mb / 1024
    cache = versions * gb * prices.SNAPSTART_CACHE_GB_SECOND * 3600
    return HOURS_PER_MONTH * (cache + restores_per_hour * gb * prices.SNAPSTART_RESTORE_GB)


def total(lines: list[Line]) -> float:
    """The sum of a cost's parts."""
    return sum(line.usd for line in lines)


def _around(load: Load, log_bytes: int) -> list[Line]:
    """The costs that both paths have: logs, traces, and the traffic out to the client."""
    return [
        Line("CloudWatch Logs", MILLION * log_bytes / 1e9 * prices.LOGS_GB),
        Line("X-Ray", MILLION * TRACED_SHARE * prices.XRAY_TRACE),
        Line("Data out", MILLION * load.answer_bytes / 1e9 * prices.EGRESS_GB),
    ]
