"""Model copies under a load, simulated event by event: the embedded Bedrock's `Life`, for months of requests.

`Life` (tollgate/emulators/bedrock/life.py) waits for every token of every request, which takes milliseconds each. Here
time jumps from one arrival or end to the next. Between two of them all requests of a copy get tokens at the same pace,
so that one number a copy, the tokens that a request would have got since the copy began, tells when each one ends.
tests/planning compares both on random traces.
"""

from __future__ import annotations

import heapq
from array import array
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from tollgate.emulators.bedrock.billing import WindowCounter
from tollgate.emulators.bedrock.life import Scaling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tollgate.emulators.bedrock.profiles import Profile

RETRY_S = 1.0
"""A client asks a cold model again so often."""
_POLL_S = 0.1
"""A request that waits for a place looks so often, as `Life` does."""


class Arrival(NamedTuple):
    """One request: when it comes, in seconds, and its tokens. A ping keeps the model warm, and is nobody's request."""

    at: float
    prompt_tokens: int
    completion_tokens: int
    is_ping: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a load. Latencies are in seconds, in the order in which requests ended; pings are not among them."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    cold: int = 0
    """Requests that found no copy that served."""
    throttled: int = 0
    """Requests that found no place in time."""
    windows: int = 0
    peak: int = 0
    """The most requests that were served at once."""
    copies: list[tuple[float, int]] = field(default_factory=list)
    """Times at which the number of copies changed, and the number from then on."""

    @property
    def requests(self) -> int:
        """Requests of clients, whatever became of them."""
        return len(self.latencies) + self.throttled


@dataclass(slots=True)
class _Request:
    arrival: Arrival
    is_cold: bool = False
    queued_until: float | None = None


class _Copy:
    """A model copy. `progress` counts the tokens that a request has got that was there from the copy's beginning."""

    __slots__ = ("ends", "in_flight", "progress", "ready_at", "seen_at", "windows")

    def __init__(self, ready_at: float) -> None:
        self.ready_at = ready_at
        self.in_flight = 0
        self.progress = 0.0
        self.seen_at = ready_at
        self.windows = WindowCounter()
        self.ends: list[tuple[float, int, _Request]] = []
        """By the progress at which each request that gets tokens has all of them."""


class Kernel:
    """The copies of one model under one load; use it once, by `run`."""

    def __init__(self, profile: Profile, most_at_once: int | None = None) -> None:
        """With `most_at_once` further requests wait with their client: a batch is worked off so."""
        self._profile = profile
        self._most_at_once = most_at_once
        self._copies: list[_Copy] = []
        self._timers: list[tuple[float, int, _Request, _Copy | None]] = []
        """What is due later: requests that ask again, and those whose prompt has been read, with their copy."""
        self._backlog: list[_Request] = []
        self._number = 0
        self._open = 0
        self._last_used = 0.0
        self._scaling = Scaling(profile)
        self._outcome = Outcome()

    def run(self, arrivals: Iterable[Arrival]) -> Outcome:
        """Serve all requests, which come in the order of their times, to their ends."""
        coming = iter(arrivals)
        arrival = next(coming, None)
        while True:
            end, copy = self._next_end()
            due = self._timers[0][0] if self._timers else inf
            comes = arrival.at if arrival is not None else inf
            if copy is not None and end <= due and end <= comes:
                self._end(copy, end)
            elif due <= comes and due < inf:
                now, _, request, reading = heapq.heappop(self._timers)
                if reading is None:
                    self._ask(request, now)
                else:
                    self._decode(request, reading, now)
            elif arrival is not None:
                self._arrive(_Request(arrival), arrival.at)
                arrival = next(coming, None)
            else:
                break
        self._outcome.windows += sum(copy.windows.count for copy in self._copies)
        return self._outcome

    def _arrive(self, request: _Request, now: float) -> None:
        if self._most_at_once is not None and self._open >= self._most_at_once:
            self._backlog.append(request)
            return
        self._open += 1
        self._ask(request, now)

    def _ask(self, request: _Request, now: float) -> None:
        """Find a place for a request, or have it ask again."""
        self._look(now)
        if request.queued_until is None:
            if not self._copies:
                self._start_copy(now)
            if min(copy.ready_at for copy in self._copies) > now:
                request.is_cold = True
                self._later(now + RETRY_S, request, None)
                return
        serving = [copy for copy in self._copies if copy.ready_at <= now]
        copy = min(serving, key=_in_flight)
        if copy.in_flight < self._profile.concurrency_per_copy:
            self._admit(request, copy, now)
        elif request.queued_until is None:
            request.queued_until = now + self._profile.queue_seconds
            self._later(now + _POLL_S, request, None)
        elif now < request.queued_until:
            self._later(now + _POLL_S, request, None)
        else:
            self._outcome.throttled += 0 if request.arrival.is_ping else 1
            self._leave(now)

    def _admit(self, request: _Request, copy: _Copy, now: float) -> None:
        self._bring_up(copy, now)
        copy.windows.use(now, since_last=copy.in_flight > 0)
        copy.in_flight += 1
        self._outcome.peak = max(self._outcome.peak, sum(map(_in_flight, self._copies)))
        reading_s = request.arrival.prompt_tokens * self._profile.prefill_seconds_per_token
        if reading_s:
            self._later(now + reading_s, request, copy)
        else:
            self._decode(request, copy, now)

    def _decode(self, request: _Request, copy: _Copy, now: float) -> None:
        self._bring_up(copy, now)
        self._number += 1
        end = copy.progress + request.arrival.completion_tokens
        heapq.heappush(copy.ends, (end, self._number, request))

    def _end(self, copy: _Copy, now: float) -> None:
        self._bring_up(copy, now)
        progress, _, request = heapq.heappop(copy.ends)
        copy.progress = max(copy.progress, progress)
        copy.windows.use(now, since_last=True)
        copy.in_flight -= 1
        self._last_used = now
        if not request.arrival.is_ping:
            self._outcome.latencies.append(now - request.arrival.at)
            self._outcome.cold += request.is_cold
        self._leave(now)

    def _leave(self, now: float) -> None:
        """A request is over: a batch's next one begins."""
        self._open -= 1
        if self._backlog:
            request = self._backlog.pop()
            self._open += 1
            self._ask(request, now)

    def _later(self, at: float, request: _Request, copy: _Copy | None) -> None:
        self._number += 1
        heapq.heappush(self._timers, (at, self._number, request, copy))

    def _next_end(self) -> tuple[float, _Copy | None]:
        """When the next request ends, and on which copy."""
        first, of = inf, None
        for copy in self._copies:
            if copy.ends:
                end = copy.seen_at + max(copy.ends[0][0] - copy.progress, 0.0) * self._token_s(copy)
                if end < first:
                    first, of = end, copy
        return first, of

    def _bring_up(self, copy: _Copy, now: float) -> None:
        """Give the copy's requests the tokens of the time since it was seen last."""
        token_s = self._token_s(copy)
        if token_s and copy.in_flight:
            copy.progress += max(now - copy.seen_at, 0.0) / token_s
        copy.seen_at = now

    def _token_s(self, copy: _Copy) -> float:
        slowdown = 1 + self._profile.slowdown_per_neighbour * (copy.in_flight - 1)
        return self._profile.decode_seconds_per_token * slowdown

    def _look(self, now: float) -> None:
        """Bring the copies up to date, as `Life.copies` does."""
        if not self._copies:
            return
        idle_from = max([self._last_used, *(copy.ready_at for copy in self._copies)])
        busy = sum(map(_in_flight, self._copies))
        if not busy and now - idle_from >= self._profile.idle_seconds:
            self._remove(list(self._copies), idle_from + self._profile.idle_seconds)
            return
        change = self._scaling.change(now, len(self._copies), busy)
        if change > 0:
            self._start_copy(now)
        elif change < 0:
            unused = [copy for copy in self._copies if not copy.in_flight]
            self._remove(unused[-1:], now)

    def _start_copy(self, now: float) -> None:
        self._copies.append(_Copy(now + self._profile.cold_start_seconds))
        self._outcome.copies.append((now, len(self._copies)))

    def _remove(self, copies: list[_Copy], at: float) -> None:
        """Take copies away, which went at that time: nobody looked since."""
        for copy in copies:
            self._outcome.windows += copy.windows.count
            self._copies.remove(copy)
        self._outcome.copies.append((at, len(self._copies)))


def _in_flight(copy: _Copy) -> int:
    return copy.in_flight
