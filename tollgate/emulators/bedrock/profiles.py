"""How models live: how long an import and a cold start take, when copies come and go, how fast they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Profile:
    """Durations are seconds of model time; an infinite limit is no limit."""

    import_seconds: float = 0
    cold_start_seconds: float = 0
    """From the first call of a model without copies, or from the decision to add one, to a copy that serves."""
    idle_seconds: float = 300
    """Without an invocation for so long, a model loses its copies."""
    max_copies: int = 1
    concurrency_per_copy: float = inf
    """Invocations that a copy runs at once; more of them wait."""
    scale_out_above: float = inf
    """A copy is added when more invocations than this come to each copy …"""
    scale_out_seconds: float = 0
    """… for so long; a copy is removed when the others would do for `idle_seconds`."""
    queue_seconds: float = 60
    """An invocation that finds no free place in time is throttled."""
    prefill_seconds_per_token: float = 0
    decode_seconds_per_token: float = 0
    """Of a copy that runs a single invocation."""
    slowdown_per_neighbour: float = 0
    """Share by which each further invocation on the same copy slows decoding."""


PROFILES = {
    # No waiting at all, but models still go to sleep and are billed by the window.
    "instant": Profile(),
    # Chosen so that the measurements published for ApexGuru, a fine-tuned 13B Qwen2.5, come out; how, and what
    # of it is assumption, is told in docs/decisions/0043-case-study-profile.md.
    "case-study": Profile(
        import_seconds=360,
        cold_start_seconds=100,
        max_copies=3,
        concurrency_per_copy=32,
        scale_out_above=12,
        scale_out_seconds=30,
        prefill_seconds_per_token=0.0002,
        decode_seconds_per_token=0.026,
        slowdown_per_neighbour=0.05,
    ),
}


def profile(name: str) -> Profile:
    """Raises ValueError when there is no such profile."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r} is not one of {', '.join(PROFILES)}")
    return PROFILES[name]
