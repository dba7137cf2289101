"""What may be done about cold models: nothing, pings that keep them warm, or batches that are worked off together."""

from __future__ import annotations

import heapq
import math
import re
from datetime import datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from tollgate.planning.copies import Arrival
from tollgate.planning.kernel import Kernel, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from tollgate.emulators.bedrock.profiles import Profile
    from tollgate.planning.trace import Trace

_HOURS_PER_DAY = 24
DEFAULT_POLICIES = ("none", "ping:270s@08-18", "ping:270s", "ping:14m", "batch:hourly", "batch:nightly")
_PING = re.compile(r"ping:(\d+)(s|m)(?:@(\d{2})-(\d{2}))?$")


class PolicyError(Exception):
    """Raised for a policy that there is not; the message says which there are."""


class Pings(NamedTuple):
    """A request each `every_s` seconds, at all hours or from Monday to Friday within some."""

    every_s: float
    hours: tuple[int, int] | None


class Batches(Enum):
    """When requests that were gathered are worked off: at the end of the hour or of the day, by the local clock."""

    HOURLY = "batch:hourly"
    NIGHTLY = "batch:nightly"

    def end(self, at: float, zone: ZoneInfo) -> float:
        """The end of the hour or day that a time is in; days in which the clock is changed have 23 or 25 hours."""
        moment = datetime.fromtimestamp(at, zone)
        if self is Batches.HOURLY:
            return moment.replace(minute=0, second=0, microsecond=0).timestamp() + 3600
        return datetime.combine(moment.date() + timedelta(days=1), time(0), zone).timestamp()


def parse(policy: str) -> Pings | Batches | None:
    """The pings of a policy, when it works off its batches, or None for none.

    Raises:
        PolicyError: there is no such policy.
    """
    if policy == "none":
        return None
    if policy in [batches.value for batches in Batches]:
        return Batches(policy)
    pings = _pings_of(policy)
    if pings is None:
        known = "none, ping:270s, ping:14m, ping:270s@08-18, batch:hourly, batch:nightly"
        raise PolicyError(f"{policy!r} is no policy; there are {known}.")
    return pings


def _pings_of(policy: str) -> Pings | None:
    """The pings that a policy names; None if it is none, or its hours are no hours of a day."""
    found = _PING.match(policy)
    if found is None or int(found[1]) == 0:
        return None
    every_s = float(found[1]) * (60 if found[2] == "m" else 1)
    if found[3] is None:
        return Pings(every_s, None)
    begin, end = int(found[3]), int(found[4])
    return Pings(every_s, (begin, end)) if begin <= end <= _HOURS_PER_DAY else None


def simulate(trace: Trace, profile: Profile, policy: str, zone: ZoneInfo) -> Outcome:
    """What comes of a load under a policy. Raises PolicyError: there is no such policy."""
    chosen = parse(policy)
    if chosen is None:
        return Kernel(profile).run(trace.arrivals())
    if isinstance(chosen, Pings):
        return Kernel(profile).run(_with_pings(trace, chosen, zone))
    # As many at once as a copy serves before another one is started: one copy works a batch off for the least.
    at_once = int(min(profile.scale_out_above, profile.concurrency_per_copy, 64))
    return Kernel(profile, most_at_once=at_once).run(_in_batches(trace.arrivals(), chosen, zone))


def _with_pings(trace: Trace, pings: Pings, zone: ZoneInfo) -> Iterator[Arrival]:
    """The requests, and pings between them from the first request to the last."""
    if not len(trace):
        return iter(())
    return heapq.merge(trace.arrivals(), _pings(trace.at[0], trace.at[-1], pings, zone))


def _pings(begins: float, ends: float, pings: Pings, zone: ZoneInfo) -> Iterator[Arrival]:
    at = begins
    while at <= ends:
        if pings.hours is None or _is_within(at, pings.hours, zone):
            yield Arrival(at, 0, 1, is_ping=True)
        at += pings.every_s


def _is_within(at: float, hours: tuple[int, int], zone: ZoneInfo) -> bool:
    moment = datetime.fromtimestamp(at, zone)
    return moment.weekday() < 5 and hours[0] <= moment.hour < hours[1]


def _in_batches(arrivals: Iterable[Arrival], batches: Batches, zone: ZoneInfo) -> Iterator[Arrival]:
    """The requests, each at the end of the time in which its batch is gathered: its client waits until then."""
    end = -math.inf
    for arrival in arrivals:
        if arrival.at >= end:
            end = batches.end(arrival.at, zone)
        yield arrival._replace(at=end, asked_at=arrival.at)
