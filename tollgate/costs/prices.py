"""AWS's published prices for us-east-1 in US dollars: each one once, with its source.

All were read in November 2026. Free tiers and volume discounts are left out.
"""

from __future__ import annotations

from tollgate_release.prices import (
    CUSTOM_MODEL_UNIT_MINUTE,
    CUSTOM_MODEL_UNIT_STORAGE_MONTH,
    CUSTOM_MODEL_WINDOW_MINUTES,
)

__all__ = ["CUSTOM_MODEL_UNIT_MINUTE", "CUSTOM_MODEL_UNIT_STORAGE_MONTH", "CUSTOM_MODEL_WINDOW_MINUTES"]

MILLION = 1_000_000

API_GATEWAY_REQUEST = 3.50 / MILLION
"""One request to a REST API; a streamed answer counts once for every 10 MB. https://aws.amazon.com/api-gateway/pricing/"""
STEP_FUNCTIONS_REQUEST = 1.00 / MILLION
"""One Express execution. https://aws.amazon.com/step-functions/pricing/"""
STEP_FUNCTIONS_GB_SECOND = 0.0600 / 3600
"""Express executions by duration in steps of 100 ms and memory in steps of 64 MB. Same page."""
LAMBDA_REQUEST = 0.20 / MILLION
"""One request to a function, in Lambda's words. https://aws.amazon.com/lambda/pricing/"""
LAMBDA_GB_SECOND = 0.0000133334
"""One gigabyte-second on arm64, by the millisecond; also while a function waits or (since 2025-08-01) initialises.

Same page.
"""
SNAPSTART_CACHE_GB_SECOND = 0.0000015046
"""SnapStart's snapshot of one version, for as long as the version exists. Same page."""
SNAPSTART_RESTORE_GB = 0.0001397998
"""One environment restored from a snapshot. Same page."""
DYNAMODB_READ = 0.125 / MILLION / 2
"""One eventually consistent read of up to 4 KB: half a read request unit. https://aws.amazon.com/dynamodb/pricing/"""
TABLE_GB_MONTH = 0.25 + 0.20
"""One gigabyte in a table for a month, and point-in-time recovery for it. Same page."""
LOGS_GB = 0.50
"""One gigabyte taken in by CloudWatch Logs. https://aws.amazon.com/cloudwatch/pricing/"""
LOGS_GB_MONTH = 0.03
"""One gigabyte kept by CloudWatch Logs for a month. Same page."""
ALARM_METRIC_MONTH = 0.10
"""One metric that an alarm watches, for a month, from the alarm's creation on. Same page."""
CUSTOM_METRIC_MONTH = 0.30
"""One custom metric for a month, billed for the hours in which it gets data. Same page."""
DASHBOARD_MONTH = 3.00
"""One dashboard for a month; three are free in each account. Same page."""
XRAY_TRACE = 5.00 / MILLION
"""One recorded trace. https://aws.amazon.com/xray/pricing/"""
EGRESS_GB = 0.09
"""One gigabyte sent to the internet. https://aws.amazon.com/ec2/pricing/on-demand/"""
INSTANCE_HOUR = {"ml.c5.large": 0.102, "ml.c5.xlarge": 0.204, "ml.m5.xlarge": 0.23, "ml.g6e.xlarge": 2.6054}
"""SageMaker instances: CPU ones as a proxy before the model, a GPU for the model itself.

Real-time hosting is assumed to cost what the price list says for training.
https://aws.amazon.com/sagemaker/ai/pricing/
"""
