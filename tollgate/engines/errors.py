"""The engines' own errors.

They know nothing of the service that an engine works for; the embedded Bedrock makes its service errors of them
(tollgate/emulators/bedrock/engine_errors.py).

    EngineError
      InvalidPromptError    the prompt, or the request as a whole, cannot be answered by this model
      BusyError             too many requests at the same time
      GenerationError       the model failed
    ModelLoadError          the artifacts of a model cannot be run
"""

from __future__ import annotations


class EngineError(Exception):
    """Raised when an engine cannot answer; one of the classes below says why."""


class InvalidPromptError(EngineError):
    """Raised when a prompt cannot be rendered, is empty or beyond the model's context, or a request is refused."""


class BusyError(EngineError):
    """Raised when an engine has too many requests at the same time."""


class GenerationError(EngineError):
    """Raised when a model produces no answer; `status` is the HTTP status of a server that failed, if one did."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ModelLoadError(ValueError):
    """Raised when an engine cannot run the artifacts of a model; the message says why."""
