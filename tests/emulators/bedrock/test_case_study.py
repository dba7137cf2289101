"""The `case-study` profile reproduces the table that Salesforce published for ApexGuru (docs/decisions/0043)."""

from __future__ import annotations

import asyncio
import random

import pytest

from tollgate.emulators.bedrock import Bedrock, Settings
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.invocation import Invocation
from tollgate.emulators.clock import Clock
from tollgate.emulators.virtual_time import VirtualTimeLoop, run

pytestmark = pytest.mark.slow

# clients, 95th percentile of latency in seconds, requests a minute, copies (not given for 16), and how many seconds
# of model time it takes until the last copy serves
PUBLISHED = [(1, 7.2, 11, 1, 110), (4, 7.96, 41, 1, 110), (16, 9.35, 133, None, 240), (32, 10.44, 232, 3, 370)]

# An answer's tokens: the publication gives no lengths; these give its ratio of 95th percentile to mean, about 1.3.
MEAN_TOKENS, SPREAD = 200, 0.19
MEASURED_REQUESTS = 250


async def load(bedrock: Bedrock, clients: int, warm_up_s: float) -> tuple[float, float, int]:
    """P95 latency in seconds, requests a minute, and copies at the end, of `clients` that each wait for answers."""
    bedrock.register("apexguru")
    model, clock, lengths = bedrock.model("apexguru"), bedrock.clock, random.Random(clients)
    begin = clock.now() + warm_up_s
    latencies: list[float] = []
    ends: list[float] = []

    async def client() -> None:
        while len(latencies) < MEASURED_REQUESTS:
            asked = clock.now()
            tokens = round(lengths.lognormvariate(0, SPREAD) * MEAN_TOKENS)
            try:
                await Invocation(model, {"prompt": "word " * tokens, "max_tokens": tokens}).whole_answer()
            except ServiceError:
                await clock.sleep(5)
                continue
            if clock.now() >= begin and len(latencies) < MEASURED_REQUESTS:
                latencies.append(clock.now() - asked)
                ends.append(clock.now())

    await asyncio.gather(*(client() for _ in range(clients)))
    latencies.sort()
    return latencies[int(len(latencies) * 0.95)], len(ends) / (ends[-1] - begin) * 60, len(model.life.copies())


@pytest.mark.parametrize("clients, p95, per_minute, copies, warm_up_s", PUBLISHED)
def test_the_published_table_comes_out_within_a_tenth(clients, p95, per_minute, copies, warm_up_s):
    loop = VirtualTimeLoop()
    bedrock = Bedrock(Settings(profile="case-study"), clock=Clock(monotonic=loop.time))
    measured_p95, measured_rate, measured_copies = run(loop, load(bedrock, clients, warm_up_s))
    assert measured_p95 == pytest.approx(p95, rel=0.10)
    assert measured_rate == pytest.approx(per_minute, rel=0.10)
    assert copies in (None, measured_copies)
