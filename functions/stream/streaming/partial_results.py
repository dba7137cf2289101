"""Collects what an iteration yields before it fails.

One network read can bring several events and then an error. The client still gets those events, in one write,
before it is told of the error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tollgate_layer.inference.failures.errors import ApiError

T = TypeVar("T")


def collect_until_failure(items: Iterable[T]) -> tuple[list[T], ApiError | None]:
    """Collect `items`; an ApiError that ends the iteration is returned beside them.

    It is returned, not raised, because an exception would take the items before it along::

        events, failure = collect_until_failure(events)
        if events:
            yield b"".join(events)
        if failure:
            raise failure
    """
    collected: list[T] = []
    try:
        for item in items:
            collected.append(item)  # noqa: PERF402 -- list(items) would discard the items before a failure
    except ApiError as failure:
        return collected, failure
    return collected, None
