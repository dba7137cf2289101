"""How the simulated AWS behaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tollgate.dev.moto_server import MotoServer


@dataclass(frozen=True, slots=True)
class Simulation:
    """How the simulated AWS behaves. The defaults are those of `tollgate dev`.

    Simulation(profile="case-study", speed=60)   # models load and answer as measured, a minute in a second
    """

    profile: str = "instant"
    """How models live in the embedded Bedrock; tollgate/emulators/bedrock/profiles.py has the names."""
    speed: float = 1.0
    """How many times faster than real time the simulated waits pass: the state machine's, the models' and the timeouts
    for them. Functions and tables really work, so they take the time that they take."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Times and limits of the embedded Bedrock other than the profile's, by their names in `Profile`, and
    `imported_models_quota`."""
    bedrock_port: int = 0
    """The port of the embedded Bedrock; 0 takes a free one."""
    upstream_url: str | None = None
    """The OpenAI-compatible server that the engine `upstream` asks, such as http://127.0.0.1:11434/v1."""
    upstream_model: str | None = None
    """The model's name on that server."""
    tls: bool = False
    """Whether the API is served over TLS, with a certificate of its own."""
    data_services: Callable[[], MotoServer] = MotoServer
    """Starts the server of DynamoDB and S3; a test gives one whose table fails on demand."""
