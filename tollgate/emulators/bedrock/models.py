"""The records of the embedded Bedrock: imported models with their traffic, and the jobs that import them."""

from __future__ import annotations

import json
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tollgate.emulators.bedrock.faults import FaultScript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tollgate.emulators.bedrock.arns import Arn
    from tollgate.emulators.bedrock.life import Life
    from tollgate.engines.base import Engine

_RECENT_BODIES = 16
_RECENT_BODIES_BYTES = 16_000_000


class RecentBodies:
    """The latest request bodies of a model, newest last: they show a test what arrived.

    They are kept as text and parsed when they are looked at, because their size is known that way: as objects, a
    nested body takes a hundred times as much. The newest one is kept whatever its size.
    """

    def __init__(self, most: int = _RECENT_BODIES, most_bytes: int = _RECENT_BODIES_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._texts: deque[bytes] = deque()
        self._bytes = 0

    def append(self, text: bytes) -> None:
        """Add a body, and drop the oldest ones that are too many or too large."""
        self._texts.append(text)
        self._bytes += len(text)
        while len(self._texts) > 1 and (len(self._texts) > self._most or self._bytes > self._most_bytes):
            self._bytes -= len(self._texts.popleft())

    def texts(self) -> list[bytes]:
        """The bodies as they came."""
        return list(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Any]:
        return (json.loads(text) for text in self.texts())

    def __getitem__(self, index: int) -> Any:
        return json.loads(self._texts[index])


@dataclass(slots=True)
class Traffic:
    """Counts what a model is asked and what it answers.

    A stream counts as open until its last frame is sent or its client has gone.
    """

    invocations: int = 0
    """Invocations of this model, those that were refused included."""
    in_flight: int = 0
    most_in_flight: int = 0
    open_streams: int = 0
    streams_closed_by_client: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    recent_bodies: RecentBodies = field(default_factory=RecentBodies)

    def counts(self) -> dict[str, Any]:
        """Everything but the bodies."""
        return {
            "invocations": self.invocations,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "open_streams": self.open_streams,
            "streams_closed_by_client": self.streams_closed_by_client,
            "errors": dict(self.errors),
        }

    @contextmanager
    def flight(self) -> Iterator[None]:
        """Count an invocation as in flight."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


@dataclass(slots=True)
class ImportJob:
    """A model import job; `request` is the checked input of CreateModelImportJob."""

    arn: Arn
    request: dict[str, Any]
    created_at: float
    modified_at: float
    status: Literal["InProgress", "Completed", "Failed"] = "InProgress"
    failure_message: str | None = None
    ended_at: float | None = None
    model_arn: Arn | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.request["jobName"])

    @property
    def model_name(self) -> str:
        return str(self.request["importedModelName"])

    @property
    def s3_uri(self) -> str:
        return str(self.request["modelDataSource"]["s3DataSource"]["s3Uri"])


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """The import that made a model."""

    job_name: str
    job_arn: str
    data_source: dict[str, Any]
    kms_key_arn: str | None


@dataclass(slots=True)
class ImportedModel:
    """A model that can be invoked: imported by a job, or registered without artifacts."""

    name: str
    arn: Arn
    architecture: str
    body_format: str
    """`openai` for a new import; an older one knows only `bedrock` or only `mistral`."""
    engine: Engine
    engine_name: str
    created_at: float
    has_chat_template: bool
    life: Life
    instruct_supported: bool
    """Whether Converse serves the model: its family is allowed there and it has a chat template."""
    context_length: int | None = None
    custom_model_units: int = 1
    origin: ModelOrigin | None = None
    """The import; None for a model that was registered."""
    tags: dict[str, str] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    faults: FaultScript = field(default_factory=FaultScript)


def tags_of(tags: list[dict[str, str]]) -> dict[str, str]:
    """A list of key/value pairs as a mapping."""
    return {tag["key"]: tag["value"] for tag in tags}
