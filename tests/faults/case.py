"""What a case of the fault matrix is: something that goes wrong, and the one answer that a client gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Mode(NamedTuple):
    """A base URL, and whether the client asks for a stream."""

    base: str
    stream: bool

    def __str__(self) -> str:
        return f"{self.base}, streamed" if self.stream else self.base


STEP, STEP_STREAMED = Mode("/v1", False), Mode("/v1", True)
LIVE, LIVE_STREAMED = Mode("/stream/v1", False), Mode("/stream/v1", True)
MODES = (STEP, STEP_STREAMED, LIVE, LIVE_STREAMED)
STEP_PATH, LIVE_PATH = (STEP, STEP_STREAMED), (LIVE, LIVE_STREAMED)


class Answer(NamedTuple):
    """What the client gets; `calls` is how often the model was invoked, or the fewest and the most times.

    With status 200, a `code` is the one in the error event that ends a stream which had begun.
    """

    status: int
    code: str | None = None
    retry_after: int | None = None
    calls: int | tuple[int, int] = 1


OK = Answer(200)


@dataclass(frozen=True)
class Case:
    """One failure. `within_s` bounds the time of an answer, on the step path's clock."""

    group: str
    name: str
    answers: Mapping[Mode, Answer]
    steps: tuple[Mapping[str, Any], ...] = ()
    """The script of faults for the model (tollgate/emulators/bedrock/faults.py)."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Members of the request beside the usual ones."""
    record: str | None = None
    """The text of the record in the table, instead of a right one."""
    backend: str = "bedrock"
    hooks: Mapping[str, Any] | None = None
    """The record's words for its hooks, where it has some: they do what the request's metadata asks for."""
    model: str = "case"
    """The start of the model's name; the stand-in for the model table looks at it."""
    within_s: float = 29.0
    unlogged: tuple[Mode, ...] = ()
    """Where no function hears of the failure, because API Gateway's mapping template answers."""

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


def everywhere(answer: Answer) -> dict[Mode, Answer]:
    """The same answer in every mode."""
    return dict.fromkeys(MODES, answer)


def by_path(step: Answer, live: Answer) -> dict[Mode, Answer]:
    """One answer for each base URL, streamed or not."""
    return dict.fromkeys(STEP_PATH, step) | dict.fromkeys(LIVE_PATH, live)
