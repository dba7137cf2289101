"""Imported models as AWS names them, and what CloudWatch has counted of one, minute by minute."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

MINUTE_S = 60
_ARN = re.compile(r"arn:aws[\w-]*:bedrock:[a-z0-9-]+:\d{12}:imported-model/\w+$")


def is_arn(text: str) -> bool:
    """Whether a text is an imported model's ARN."""
    return _ARN.match(text) is not None


def client_of(service: str, arn: str) -> Any:
    """boto3's client of a service, in the Region of a model."""
    import boto3

    make: Any = boto3.client  # its stubs know each service by its name alone
    return make(service, region_name=arn.split(":")[3])


def minutes(client: Any, arn: str, metric: str, statistic: str, begin: float, end: float) -> list[tuple[float, float]]:
    """When each minute begins that has a value of a metric, in seconds since 1970, and the value; oldest first.

    Args:
        client: boto3's client of CloudWatch.
        arn: the model's.
        metric: one of https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring.html, such as Invocations.
        statistic: Sum, Maximum and the like.
        begin: seconds since 1970; the minute that it is in counts.
        end: seconds since 1970.

    Raises:
        ClientError, BotoCoreError: CloudWatch cannot be asked.
    """
    named = {
        "Namespace": "AWS/Bedrock",
        "MetricName": metric,
        "Dimensions": [{"Name": "ModelId", "Value": arn}],
    }
    query = {"Id": "minutes", "MetricStat": {"Metric": named, "Period": MINUTE_S, "Stat": statistic}}
    found = []
    for page in client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[query],
        StartTime=datetime.fromtimestamp(begin - begin % MINUTE_S, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
        ScanBy="TimestampAscending",
    ):
        (result,) = page["MetricDataResults"]
        for minute, value in zip(result["Timestamps"], result["Values"], strict=True):
            found.append((minute.timestamp(), value))
    return sorted(found)
