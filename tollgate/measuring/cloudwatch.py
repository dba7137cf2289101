"""Model copies as CloudWatch counts them, which tells minutes later.

The metric `ModelCopy` is what AWS's page about costs names; nobody has seen its dimensions for a model here, so that a
run without a value of it keeps what was inferred.
https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tollgate.imported_models import MINUTE_S, minutes
from tollgate.measuring.copies import CopyCount, CopyLog

SOURCE = "CloudWatch, ModelCopy by the minute"
Sleep = Callable[[float], Awaitable[None]]
_PATIENCE_S, _PAUSE_S = 300, 15


async def model_copies(
    client: Any, arn: str, begin: float, end: float, say: Callable[[str], None], *, sleep: Sleep = asyncio.sleep
) -> CopyLog:
    """The copies of an imported model over a run, between two times in seconds since 1970.

    It asks until the run's last minute has its value, for five minutes at most; what has none is not in the log.

    Raises:
        ClientError, BotoCoreError: CloudWatch cannot be asked.
    """
    counted: list[tuple[float, float]] = []
    for waited_s in range(0, _PATIENCE_S + 1, _PAUSE_S):
        counted = await asyncio.to_thread(minutes, client, arn, "ModelCopy", "Maximum", begin, end + MINUTE_S)
        if counted and counted[-1][0] >= end - MINUTE_S:
            break
        if waited_s < _PATIENCE_S:
            say(f"CloudWatch counts copies minutes later: waiting for {waited_s} s of at most {_PATIENCE_S}")
            await sleep(_PAUSE_S)
    log = CopyLog(SOURCE)
    for at, most in counted:
        log.note(at, CopyCount(round(most)))
    return log
