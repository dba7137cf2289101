"""A load: when requests come, and how long they are, in 16 bytes each."""

from __future__ import annotations

import heapq
from array import array
from typing import TYPE_CHECKING, Any

from tollgate.planning.copies import Arrival

if TYPE_CHECKING:
    from collections.abc import Iterator

SORTED_AT_ONCE = 500_000
"""Requests whose order is found as one list, which takes 40 bytes each; longer loads are merged from such runs."""


class TraceError(Exception):
    """Raised when a trace cannot be read; the message is a sentence."""


class Trace:
    """The requests of a load, in the order of their times."""

    def __init__(self) -> None:
        self.at = array("d")
        self.prompt_tokens = array("i")
        self.completion_tokens = array("i")
        self.known_hours: float | None = None
        """How long the load lasts, where that is known."""

    def __len__(self) -> int:
        return len(self.at)

    def add(self, at: float, prompt_tokens: int, completion_tokens: int) -> None:
        """Add a request."""
        self.at.append(at)
        self.prompt_tokens.append(prompt_tokens)
        self.completion_tokens.append(completion_tokens)

    def arrivals(self) -> Iterator[Arrival]:
        """The requests, one by one."""
        for at, prompt, completion in zip(self.at, self.prompt_tokens, self.completion_tokens, strict=True):
            yield Arrival(at, prompt, completion)

    @property
    def hours(self) -> float:
        """How long the load lasts: from its first request to its last, and the mean pause after that."""
        if self.known_hours is not None:
            return self.known_hours
        if len(self) < 2:
            return 1.0
        return (self.at[-1] - self.at[0]) * len(self) / (len(self) - 1) / 3600 or 1.0

    def head(self, most: int) -> Trace:
        """The first requests, as a load of its own that lasts as much shorter."""
        first = Trace()
        first.at = self.at[:most]
        first.prompt_tokens = self.prompt_tokens[:most]
        first.completion_tokens = self.completion_tokens[:most]
        if self.known_hours is not None and len(self):
            first.known_hours = self.known_hours * len(first) / len(self)
        return first

    def sort(self, at_once: int = SORTED_AT_ONCE) -> None:
        """Put the requests into the order of their times, in place: a large load fits into memory once, not twice."""
        if all(self.at[index] <= self.at[index + 1] for index in range(len(self) - 1)):
            return
        key = self.at.__getitem__
        runs = []
        for begin in range(0, len(self), at_once):
            run = range(begin, min(begin + at_once, len(self)))
            runs.append(array("I", sorted(run, key=key)))
        order = array("I", heapq.merge(*runs, key=key))
        del runs
        for column in (self.at, self.prompt_tokens, self.completion_tokens):
            _permute(column, order)


def _permute(column: array[Any], order: array[int]) -> None:
    """Put the value that stands at `order[place]` to each place, without a second column.

    Places form circles: each gets the next one's value, and the last one that of the first.
    """
    done = bytearray(len(order))
    for first in range(len(order)):
        if done[first]:
            continue
        value, place = column[first], first
        while order[place] != first:
            done[place] = 1
            column[place] = column[order[place]]
            place = order[place]
        done[place] = 1
        column[place] = value
