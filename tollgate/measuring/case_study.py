"""The table that Salesforce published for ApexGuru on Custom Model Import, and the same load on the simulated profile.

https://aws.amazon.com/blogs/machine-learning/how-amazon-bedrock-custom-model-import-streamlined-llm-deployment-for-salesforce/
What of the profile is assumed stands in docs/decisions/0043-case-study-profile.md.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate.emulators.bedrock import Bedrock, Settings
from tollgate.emulators.clock import Clock
from tollgate.emulators.virtual_time import VirtualTimeLoop, run
from tollgate.measuring.session import Measured, Method, Phase, Session
from tollgate.measuring.targets import Prompt, SimulatedTarget

if TYPE_CHECKING:
    from collections.abc import Iterator


class Published(NamedTuple):
    """A row of the table; copies are None where they are not given. P95 is in seconds."""

    clients: int
    p95_s: float
    requests_per_minute: float
    copies: int | None


TABLE = (
    Published(1, 7.2, 11, 1),
    Published(4, 7.96, 41, 1),
    Published(16, 9.35, 133, None),
    Published(32, 10.44, 232, 3),
)
_REQUESTS = 250
_MEAN_TOKENS, _SPREAD = 200, 0.19
_MODEL = "apexguru"


def prompts_of_study(seed: int, prompt_tokens: int | None = None) -> Iterator[Prompt]:
    """Requests whose answers are as long as the published rates imply: 200 tokens, log-normal.

    Prompts are as long as their answers, which a model that echoes needs, or log-normal around `prompt_tokens`.
    """
    dice = random.Random(seed)  # noqa: S311 -- draws lengths, protects nothing
    while True:
        tokens = max(1, round(dice.lognormvariate(0, _SPREAD) * _MEAN_TOKENS))
        words = tokens
        if prompt_tokens is not None:
            words = max(1, round(dice.lognormvariate(0, _SPREAD) * prompt_tokens))
        yield Prompt({"messages": [{"role": "user", "content": "word " * words}]}, tokens)


def simulated_phase(clients: int, units: int) -> Measured:
    """One row on the simulated profile, in virtual time: hours of the model's in a second."""
    loop = VirtualTimeLoop()
    bedrock = Bedrock(Settings(profile="case-study"), clock=Clock(monotonic=loop.time))
    bedrock.register(_MODEL)
    session = Session(
        SimulatedTarget(bedrock, _MODEL),
        prompts_of_study(clients),
        Method(requests=_REQUESTS, units=units),
        source="simulated",
        wall=bedrock.clock.now,
    )

    async def measure() -> Measured:
        return await anext(session.measure([Phase(f"{clients} clients", clients)]))

    found: Measured = run(loop, measure())
    return found


def beside_published(phase: dict[str, Any]) -> dict[str, Any]:
    """A phase with the published row of as many clients, and how far it is from it, as shares."""
    for published in TABLE:
        if published.clients == phase["clients"]:
            break
    else:
        return phase
    differs: dict[str, float | None] = {}
    for name in ("p95_s", "requests_per_minute"):
        ours = phase[name]
        differs[name] = None if ours is None else round(ours / getattr(published, name) - 1, 4)
    # Little's law: the mean latency that the published rate means, as a share of the published P95.
    mean = published.clients / published.requests_per_minute * 60
    told = {**published._asdict(), "mean_over_p95_by_littles_law": round(mean / published.p95_s, 3)}
    return {**phase, "published": told, "difference": differs}
