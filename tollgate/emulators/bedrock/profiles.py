"""Profiles of models: how long an import and a model cold start take, when model copies come and go, their speed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf


@dataclass(slots=True)
class Profile:
    """The times and limits of a model's model copies. Durations are in seconds of model time; `inf` means no limit.

    They may be changed while models live by them.
    """

    import_seconds: float = 0
    cold_start_seconds: float = 0
    """Time until a new model copy serves. It begins with the first invocation of a model that has none, or with the
    decision to add one."""
    idle_seconds: float = 300
    """A model that is not invoked for so long loses its model copies. One of several goes when the others would have
    been enough for so long."""
    max_copies: int = 1
    concurrency_per_copy: float = inf
    """Invocations that a model copy runs at once; further ones wait."""
    scale_out_above: float = inf
    """A model is crowded while each of its model copies has more invocations than this on average."""
    scale_out_seconds: float = 0
    """A model that was crowded for so long gets another model copy, up to `max_copies`."""
    queue_seconds: float = 60
    """An invocation that waited for so long without finding a free place is throttled."""
    prefill_seconds_per_token: float = 0
    decode_seconds_per_token: float = 0
    """Time for one token on a model copy that runs a single invocation."""
    slowdown_per_neighbour: float = 0
    """Share by which each further invocation on the same model copy lengthens the time for one token."""


PROFILES = {
    # Nothing takes time, but models still lose their model copies and are billed by the window.
    "instant": Profile(),
    # The values reproduce the measurements published for ApexGuru, a fine-tuned 13B Qwen2.5. Which of them are
    # assumptions is in docs/decisions/0043-case-study-profile.md.
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
    """A profile of its own, with the values that the name stands for; raises ValueError when there is none."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r} is not one of {', '.join(PROFILES)}")
    return replace(PROFILES[name])
