"""What a million requests cost, from AWS's published prices for us-east-1: a documented formula, not a bill.

Free tiers and volume discounts are left out; so is what every path pays alike for the model itself, which
`model_windows` gives on its own. All amounts are US dollars per million requests unless their name says otherwise.
Prices were read in November 2026; docs/performance.md shows the tables that this module makes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

MILLION = 1_000_000

API_GATEWAY_REQUEST = 3.50 / MILLION
"""One request to a REST API; a streamed answer counts once for every 10 MB. https://aws.amazon.com/api-gateway/pricing/"""
STEP_FUNCTIONS_REQUEST = 1.00 / MILLION
"""One Express execution. https://aws.amazon.com/step-functions/pricing/"""
STEP_FUNCTIONS_GB_SECOND = 0.0600 / 3600
"""Express executions by duration in steps of 100 ms and memory in steps of 64 MB. Same page."""
LAMBDA_REQUEST = 0.20 / MILLION
"""One function call. https://aws.amazon.com/lambda/pricing/"""
LAMBDA_GB_SECOND = 0.0000133334
"""arm64, by the millisecond; also while a function waits, and since 2025-08-01 while it initialises. Same page."""
SNAPSTART_CACHE_GB_SECOND = 0.0000015046
"""For every version with a snapshot, as long as it exists. Same page."""
SNAPSTART_RESTORE_GB = 0.0001397998
"""For each restored environment. Same page."""
DYNAMODB_READ = 0.125 / MILLION / 2
"""One eventually consistent read of up to 4 KB: half a read request unit. https://aws.amazon.com/dynamodb/pricing/"""
LOGS_GB = 0.50
"""Taken in by CloudWatch Logs. https://aws.amazon.com/cloudwatch/pricing/"""
XRAY_TRACE = 5.00 / MILLION
"""One recorded trace. https://aws.amazon.com/xray/pricing/"""
EGRESS_GB = 0.09
"""Out to the internet. https://aws.amazon.com/ec2/pricing/on-demand/"""
INSTANCE_HOUR = {"ml.c5.large": 0.102, "ml.c5.xlarge": 0.204, "ml.m5.xlarge": 0.23, "ml.g6e.xlarge": 2.6054}
"""SageMaker instances: CPU ones as a proxy before the model, a GPU for the model itself; real-time hosting is
assumed to cost what the price list says for training. https://aws.amazon.com/sagemaker/ai/pricing/"""
CUSTOM_MODEL_UNIT_MINUTE = 0.05718
"""One custom model unit, version 1.0. https://aws.amazon.com/bedrock/pricing/"""
WINDOW_MINUTES = 5
"""A window in which a model copy answers at all is billed whole.
https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html"""

TRACED_SHARE = 0.05
"""X-Ray's default rule: the first request of each second, which is left out here, and five percent of the rest."""


class Line(NamedTuple):
    """A part of a cost, in US dollars per million requests."""

    name: str
    usd: float


class Load(NamedTuple):
    """What a request is like; the defaults are what `make bench` and the template show.

    `seconds`: from the request to the end of the model's answer. `function_ms`: billed time of Preprocess, and of
    Postprocess, with a warm environment. `cold_share`: of the calls, how many start an environment, for `init_ms`.
    `log_bytes`: the lines of one function call, Lambda's own three among them. `answer_bytes`: the response.
    """

    seconds: float
    function_ms: float = 5
    cold_share: float = 0.01
    init_ms: float = 300
    function_mb: int = 512
    stream_mb: int = 512
    log_bytes: int = 1_000
    answer_bytes: int = 4_000


def step_path(load: Load) -> list[Line]:
    """`/v1`: Step Functions waits for the model, and two functions work for milliseconds.

    3.50 + 1.00 + GB-seconds of the execution + 2 · (0.20 + GB-seconds of the function) + 0.0625 + logs + …
    """
    execution_s = math.ceil(load.seconds * 10) / 10
    function_s = (math.ceil(load.function_ms) + load.cold_share * load.init_ms) / 1000
    function_gb_s = load.function_mb / 1024 * function_s
    return [
        Line("API Gateway", MILLION * API_GATEWAY_REQUEST),
        Line("Step Functions, requests", MILLION * STEP_FUNCTIONS_REQUEST),
        Line("Step Functions, duration", MILLION * execution_s * 64 / 1024 * STEP_FUNCTIONS_GB_SECOND),
        Line("Lambda, Preprocess and Postprocess", MILLION * 2 * (LAMBDA_REQUEST + function_gb_s * LAMBDA_GB_SECOND)),
        Line("DynamoDB", MILLION * DYNAMODB_READ),
        *_around(load, calls=2),
    ]


def stream_path(load: Load) -> list[Line]:
    """`/stream/v1`: the Stream function is billed for as long as the model answers.

    3.50 + 0.20 + GB-seconds of the whole request + 0.0625 + logs + …
    """
    function_s = load.seconds + load.cold_share * load.init_ms / 1000
    function_gb_s = load.stream_mb / 1024 * function_s
    return [
        Line("API Gateway", MILLION * API_GATEWAY_REQUEST),
        Line("Lambda, Stream", MILLION * (LAMBDA_REQUEST + function_gb_s * LAMBDA_GB_SECOND)),
        Line("DynamoDB", MILLION * DYNAMODB_READ),
        *_around(load, calls=1),
    ]


def always_on(requests_per_second: float, *, instance: str = "ml.c5.xlarge", instances: int = 2) -> list[Line]:
    """Proxy instances that run whether or not requests come; two, for two availability zones.

    instances · hourly price / (3600 · requests per second). That they hold the rate is assumed. What the answers
    cost on their way out is the same as on the other paths, and is left out, as are logs.
    """
    hourly = INSTANCE_HOUR[instance] * instances
    return [Line(f"{instances} x {instance}", MILLION * hourly / (3600 * requests_per_second))]


def break_even(path: list[Line], *, instance: str = "ml.c5.xlarge", instances: int = 2) -> float:
    """The requests per second, day and night, from which always-on instances cost less than `path`."""
    return INSTANCE_HOUR[instance] * instances / 3600 / (total(path) / MILLION)


def model_windows(*, units: int = 1, copies: float = 1, active_share: float = 1) -> float:
    """US dollars per hour of an imported model: copies · active share of the windows · 12 · 5 minutes · units · price.

    The same on every path. A single request opens a window, so few requests an hour cost as much as many.
    """
    windows = 60 / WINDOW_MINUTES * active_share
    return copies * windows * WINDOW_MINUTES * units * CUSTOM_MODEL_UNIT_MINUTE


def snapstart(*, function_mb: int, versions: int = 1, restores_per_hour: float = 0) -> float:
    """US dollars per month (730 hours) of SnapStart for one function: the snapshots' cache, and restoring them."""
    gb = function_mb / 1024
    cache = versions * gb * SNAPSTART_CACHE_GB_SECOND * 3600
    return 730 * (cache + restores_per_hour * gb * SNAPSTART_RESTORE_GB)


def total(lines: list[Line]) -> float:
    """The sum of a cost's parts."""
    return sum(line.usd for line in lines)


def _around(load: Load, *, calls: int) -> list[Line]:
    """What is paid for being seen, and for the answer's way out."""
    return [
        Line("CloudWatch Logs", MILLION * calls * load.log_bytes / 1e9 * LOGS_GB),
        Line("X-Ray", MILLION * TRACED_SHARE * XRAY_TRACE),
        Line("Data out", MILLION * load.answer_bytes / 1e9 * EGRESS_GB),
    ]
