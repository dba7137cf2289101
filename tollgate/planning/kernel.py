"""Model copies under a load, simulated event by event: the embedded Bedrock's `Life`, for months of requests.

`Life` (tollgate/emulators/bedrock/life.py) waits for every token of every request, which takes milliseconds each. Here
time jumps from one event to the next: a request comes or ends. Between two of them all requests of a copy get tokens at
one pace, so that multiplication does for the tokens in between. tests/planning shows on random traces that both say the
same, to the microsecond.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from tollgate.emulators.bedrock.life import Scaling
from tollgate.planning.copies import Copy, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tollgate.emulators.bedrock.profiles import Profile
    from tollgate.planning.copies import Arrival

RETRY_S = 1.0
"""A client asks a cold model again so often."""
_POLL_S = 0.1
"""A request that waits for a place looks so often, as `Life` does."""


@dataclass(slots=True)
class Outcome:
    """What came of a load. Latencies are in seconds, in the order in which requests ended; pings are not among them."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    served_s: float = 0.0
    """Seconds in which requests were under way, all in all: latencies without the waits for a batch and within it."""
    cold: int = 0
    """Requests that found no copy that served."""
    throttled: int = 0
    """Requests that found no place in time."""
    pings: int = 0
    """Requests that kept the model warm, and are paid for like others."""
    windows: int = 0
    peak: int = 0
    """The most requests that were served at once."""
    copies: list[tuple[float, int]] = field(default_factory=list)
    """Times at which the number of copies changed, and the number from then on."""

    @property
    def requests(self) -> int:
        """Requests of clients, whatever became of them."""
        return len(self.latencies) + self.throttled


class Kernel:
    """The copies of one model under one load; use it once, by `run`."""

    def __init__(self, profile: Profile, most_at_once: int | None = None) -> None:
        """With `most_at_once` further requests wait with their client: a batch is worked off so."""
        self._profile = profile
        self._most_at_once = most_at_once
        self._copies: list[Copy] = []
        self._timers: list[tuple[float, int, Request, Copy | None]] = []
        """What is due later: requests that ask again, and those whose prompt has been read, with their copy."""
        self._backlog: deque[Request] = deque()
        self._number = 0
        self._open = 0
        self._busy = 0
        """Requests that hold a place on any copy."""
        self._last_used = 0.0
        self._scaling = Scaling(profile)
        self._outcome = Outcome()

    def run(self, arrivals: Iterable[Arrival]) -> Outcome:
        """Serve all requests, which come in the order of their times, to their ends."""
        coming = iter(arrivals)
        arrival = next(coming, None)
        while True:
            end, copy = inf, None
            for one in self._copies:
                if one.ends_at < end:
                    end, copy = one.ends_at, one
            due = self._timers[0][0] if self._timers else inf
            comes = arrival.at if arrival is not None else inf
            if copy is not None and end <= due and end <= comes:
                self._end(copy, end)
            elif due <= comes and due < inf:
                now, _, request, reading = heapq.heappop(self._timers)
                if reading is None:
                    self._ask(request, now)
                else:
                    reading.decode(request, now)
            elif arrival is not None:
                self._arrive(Request(arrival), arrival.at)
                arrival = next(coming, None)
            else:
                break
        self._outcome.windows += sum(copy.windows.count for copy in self._copies)
        return self._outcome

    def _arrive(self, request: Request, now: float) -> None:
        if self._most_at_once is not None and self._open >= self._most_at_once:
            self._backlog.append(request)
            return
        self._open += 1
        self._ask(request, now)

    def _ask(self, request: Request, now: float) -> None:
        """Find a place for a request, or have it ask again."""
        changed = self._look(now)
        if request.queued_until is None:
            if not self._copies:
                self._start_copy(now)
            ready_at = min(copy.ready_at for copy in self._copies)
            if ready_at > now:
                request.is_cold = True
                # It asks each second. What it hears until a copy serves is the same, and is left out.
                again = now + RETRY_S
                while again < ready_at:
                    again += RETRY_S
                self._later(again, request, None)
                return
            # `Life` looks at its copies again for the place itself. Only where one has come or gone can there be more.
            if changed:
                self._look(now)
        copy = self._least_busy(now)
        if copy is not None and copy.in_flight < self._profile.concurrency_per_copy:
            self._admit(request, copy, now)
            return
        if request.queued_until is None:
            request.queued_until = now + self._profile.queue_seconds
        if now < request.queued_until:
            self._later(now + _POLL_S, request, None)
        else:
            self._outcome.throttled += 0 if request.arrival.is_ping else 1
            self._leave(now)

    def _least_busy(self, now: float) -> Copy | None:
        """The copy that serves with the fewest requests, of several the oldest; None while all are loading."""
        least = None
        for copy in self._copies:
            if copy.ready_at <= now and (least is None or copy.in_flight < least.in_flight):
                least = copy
        return least

    def _admit(self, request: Request, copy: Copy, now: float) -> None:
        copy.windows.use(now, since_last=copy.in_flight > 0)
        copy.in_flight += 1
        self._busy += 1
        self._outcome.peak = max(self._outcome.peak, self._busy)
        copy.change_pace(now, self._token_s(copy))
        reading_s = request.arrival.prompt_tokens * self._profile.prefill_seconds_per_token
        if reading_s:
            self._later(now + reading_s, request, copy)
        else:
            copy.decode(request, now)

    def _end(self, copy: Copy, now: float) -> None:
        request = copy.first
        assert request is not None
        copy.decoding.remove(request)
        copy.windows.use(now, since_last=True)
        copy.in_flight -= 1
        self._busy -= 1
        copy.change_pace(now, self._token_s(copy))
        self._last_used = now
        arrival = request.arrival
        if not arrival.is_ping:
            self._outcome.latencies.append(now - (arrival.at if arrival.asked_at is None else arrival.asked_at))
            self._outcome.served_s += now - request.sent_at
            self._outcome.cold += request.is_cold
        else:
            self._outcome.pings += 1
        self._leave(now)

    def _leave(self, now: float) -> None:
        """A request is over: a batch's next one begins."""
        self._open -= 1
        if self._backlog:
            self._open += 1
            request = self._backlog.popleft()
            request.sent_at = now
            self._ask(request, now)

    def _later(self, at: float, request: Request, copy: Copy | None) -> None:
        self._number += 1
        heapq.heappush(self._timers, (at, self._number, request, copy))

    def _token_s(self, copy: Copy) -> float:
        """Seconds for a token on a copy that is as busy as it is now; see `Life.decode`."""
        slowdown = 1 + self._profile.slowdown_per_neighbour * (copy.in_flight - 1)
        return self._profile.decode_seconds_per_token * slowdown

    def _look(self, now: float) -> bool:
        """Bring the copies up to date, as `Life.copies` does; says whether one of several came or went."""
        if not self._copies:
            return False
        if not self._busy:
            idle_from = max([self._last_used, *(copy.ready_at for copy in self._copies)])
            if now - idle_from >= self._profile.idle_seconds:
                self._remove(list(self._copies), idle_from + self._profile.idle_seconds)
                return False
        change = self._scaling.change(now, len(self._copies), self._busy)
        if change > 0:
            self._start_copy(now)
        elif change < 0:
            unused = [copy for copy in self._copies if not copy.in_flight]
            self._remove(unused[-1:], now)
        return change != 0

    def _start_copy(self, now: float) -> None:
        self._copies.append(Copy(now + self._profile.cold_start_seconds))
        self._outcome.copies.append((now, len(self._copies)))

    def _remove(self, copies: list[Copy], at: float) -> None:
        """Take copies away, which went at that time: nobody looked since."""
        for copy in copies:
            self._outcome.windows += copy.windows.count
            self._copies.remove(copy)
        self._outcome.copies.append((at, len(self._copies)))
