"""Things that came together stay together: one write to the client for all that one read brought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tollgate_layer.inference.failures.errors import ApiError

T = TypeVar("T")


def until_failure(items: Iterable[T]) -> tuple[list[T], ApiError | None]:
    """All items, or those before the failure, and the failure: what came before it is not lost with it."""
    done: list[T] = []
    try:
        for item in items:
            done.append(item)  # noqa: PERF402 -- list() would lose them
    except ApiError as failure:
        return done, failure
    return done, None
