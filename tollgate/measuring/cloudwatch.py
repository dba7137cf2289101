"""Model copies as CloudWatch counts them, which tells minutes later.

The metric `ModelCopy` is what AWS's page about costs names; nobody has seen its dimensions for a model here, so that a
run without a value of it keeps what was inferred.
https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from tollgate.measuring.copies import CopyCount, CopyLog, Noted

SOURCE = "CloudWatch, ModelCopy by the minute"
Sleep = Callable[[float], Awaitable[None]]
_MINUTE_S = 60
_PATIENCE_S, _PAUSE_S = 300, 15


async def model_copies(
    client: Any, arn: str, begin: float, end: float, say: Callable[[str], None], *, sleep: Sleep = asyncio.sleep
) -> CopyLog:
    """The copies of an imported model over a run, between two times in seconds since 1970.

    It asks until the run's last minute has its value, for five minutes at most; what has none is not in the log.

    Raises:
        ClientError, BotoCoreError: CloudWatch cannot be asked.
    """
    notes: list[Noted] = []
    for waited_s in range(0, _PATIENCE_S + 1, _PAUSE_S):
        notes = await asyncio.to_thread(_values, client, arn, begin, end)
        if notes and notes[-1].at >= end - _MINUTE_S:
            break
        if waited_s < _PATIENCE_S:
            say(f"CloudWatch counts copies minutes later: waiting for {waited_s} s of at most {_PATIENCE_S}")
            await sleep(_PAUSE_S)
    log = CopyLog(SOURCE)
    for noted in notes:
        log.note(noted.at, noted.copies)
    return log


def _values(client: Any, arn: str, begin: float, end: float) -> list[Noted]:
    """The most copies of each minute, in order."""
    metric = {
        "Namespace": "AWS/Bedrock",
        "MetricName": "ModelCopy",
        "Dimensions": [{"Name": "ModelId", "Value": arn}],
    }
    query = {"Id": "copies", "MetricStat": {"Metric": metric, "Period": _MINUTE_S, "Stat": "Maximum"}}
    notes = []
    for page in client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[query],
        # Whole minutes: the one in which the run begins has a value for all of it.
        StartTime=datetime.fromtimestamp(begin - begin % _MINUTE_S, UTC),
        EndTime=datetime.fromtimestamp(end + _MINUTE_S, UTC),
        ScanBy="TimestampAscending",
    ):
        (result,) = page["MetricDataResults"]
        for minute, value in zip(result["Timestamps"], result["Values"], strict=True):
            notes.append(Noted(minute.timestamp(), CopyCount(round(value))))
    return sorted(notes)
