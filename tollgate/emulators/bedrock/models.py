"""An imported model, where it came from, and the traffic it has had."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.faults import FaultScript

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tollgate.emulators.bedrock.arns import Arn
    from tollgate.emulators.bedrock.life import Life
    from tollgate.engines.base import Engine

_RECENT_BODIES = 16


@dataclass(slots=True)
class Traffic:
    """Counters of a model; a stream counts as open until its last frame is sent or its client has gone."""

    invocations: int = 0
    """Calls that named this model, refused ones too."""
    in_flight: int = 0
    most_in_flight: int = 0
    open_streams: int = 0
    streams_closed_by_client: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    recent_bodies: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=_RECENT_BODIES))
    """The last request bodies, newest last, so that a test can see what arrived."""

    @contextmanager
    def flight(self) -> Iterator[None]:
        """Count an invocation as in flight."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """The import that made a model."""

    job_name: str
    job_arn: str
    data_source: dict[str, Any]
    kms_key_arn: str | None


@dataclass(slots=True)
class ImportedModel:
    """`body_format` is openai for a new import, bedrock or mistral for an older one that knows only that."""

    name: str
    arn: Arn
    architecture: str
    body_format: str
    engine: Engine
    engine_name: str
    created_at: float
    has_chat_template: bool
    life: Life
    instruct_supported: bool
    """Whether Converse works: the family is allowed and a chat template came with the model."""
    context_length: int | None = None
    custom_model_units: int = 1
    origin: ModelOrigin | None = None
    """None for a model that was registered rather than imported."""
    tags: dict[str, str] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    faults: FaultScript = field(default_factory=FaultScript)
