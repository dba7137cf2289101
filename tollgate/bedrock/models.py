"""An imported model, and the traffic it has had."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tollgate.bedrock.faults import FaultScript

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.bedrock.arns import Arn
    from tollgate.bedrock.engines.base import Engine

_RECENT_BODIES = 16

# Converse refuses these families' imports, whatever template they bring
# (https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-import-model.html).
_WITHOUT_CONVERSE = ("qwen2", "qwen3", "gpt_oss", "gptoss", "gpt-oss")


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
    has_chat_template: bool = True
    context_length: int | None = None
    traffic: Traffic = field(default_factory=Traffic)
    faults: FaultScript = field(default_factory=FaultScript)

    @property
    def instruct_supported(self) -> bool:
        """Whether Converse works: the family is allowed and a chat template came with the model."""
        return self.has_chat_template and not self.architecture.lower().startswith(_WITHOUT_CONVERSE)
