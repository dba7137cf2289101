"""One model copy and the requests that it serves, between two events of the kernel's."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from tollgate.emulators.bedrock.billing import WindowCounter


class Arrival(NamedTuple):
    """One request: when it comes, in seconds, and its tokens. A ping keeps the model warm, and is nobody's request."""

    at: float
    prompt_tokens: int
    completion_tokens: int
    is_ping: bool = False
    asked_at: float | None = None
    """From when its latency counts, where that is before it comes: it waited for its batch."""


class Request:
    """A request that is under way."""

    __slots__ = ("arrival", "is_cold", "queued_until", "sent_at", "token_at", "tokens_left")

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.sent_at = arrival.at
        """When its client sends it: later than it comes, where a batch has others before it."""
        self.is_cold = False
        self.queued_until: float | None = None
        self.token_at = 0.0
        """When the token ends that it gets now. A token keeps the pace that it began with."""
        self.tokens_left = 0
        """Tokens after that one."""


class Copy:
    """A model copy, with the requests that get tokens from it."""

    __slots__ = ("decoding", "ends_at", "first", "in_flight", "ready_at", "token_s", "windows")

    def __init__(self, ready_at: float) -> None:
        self.ready_at = ready_at
        self.in_flight = 0
        """Requests that hold a place: those whose prompt is being read, and those in `decoding`."""
        self.token_s = 0.0
        """Seconds for a token that begins now."""
        self.windows = WindowCounter()
        self.decoding: list[Request] = []
        self.first: Request | None = None
        """The request that ends first, if nothing comes in between, and when."""
        self.ends_at = inf

    def change_pace(self, now: float, token_s: float) -> None:
        """Let tokens that begin from now on take so long; those that are under way end as they would have."""
        old = self.token_s
        self.token_s = token_s
        self.first, self.ends_at = None, inf
        for request in self.decoding:
            if old and request.tokens_left and request.token_at <= now:
                # One token has ended at `token_at`; of those behind it, the one that is under way ends last.
                begun = min(int((now - request.token_at) / old) + 1, request.tokens_left)
                request.token_at += begun * old
                request.tokens_left -= begun
            end = request.token_at + request.tokens_left * token_s
            if end < self.ends_at:
                self.first, self.ends_at = request, end

    def decode(self, request: Request, now: float) -> None:
        """Begin with a request's tokens."""
        tokens = request.arrival.completion_tokens
        request.token_at = now + (self.token_s if tokens else 0.0)
        request.tokens_left = max(tokens - 1, 0)
        self.decoding.append(request)
        end = request.token_at + request.tokens_left * self.token_s
        if end < self.ends_at:
            self.first, self.ends_at = request, end
