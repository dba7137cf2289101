"""The border between engines and the service: an engine's error becomes the service's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.engines.errors import BusyError, EngineError, GenerationError, InvalidPromptError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def as_service_errors() -> Iterator[None]:
    """Raise the service's error in place of an engine's.

    Raises:
        ServiceError: ValidationException, ThrottlingException or ModelErrorException.
    """
    try:
        yield
    except EngineError as error:
        raise service_error(error) from error


def service_error(error: EngineError) -> ServiceError:
    """The service's error for an engine's."""
    if isinstance(error, InvalidPromptError):
        return invalid(str(error))
    if isinstance(error, BusyError):
        return ServiceError("ThrottlingException", str(error))
    if isinstance(error, GenerationError) and error.status is not None:
        return ServiceError("ModelErrorException", str(error), originalStatusCode=error.status)
    return ServiceError("ModelErrorException", str(error))
