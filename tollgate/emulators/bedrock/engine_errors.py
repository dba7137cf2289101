"""The border between engines and the service: an engine's error becomes the service's."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.engines.errors import BusyError, EngineError, GenerationError, InvalidPromptError
from tollgate.engines.panics import without_panics

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def as_service_errors() -> Iterator[None]:
    """Raise the service's error in place of an engine's, and of anything else that goes wrong in an engine.

    Raises:
        ServiceError: ValidationException, ThrottlingException or ModelErrorException; InternalServerException for a
            defect, which the log of the server tells of.
    """
    try:
        with without_panics():
            yield
    except EngineError as error:
        raise service_error(error) from error
    except ServiceError:
        raise
    except Exception as error:
        logging.getLogger("uvicorn.error").exception("an engine failed")
        raise ServiceError("InternalServerException", "The embedded Bedrock failed; its log says why.") from error


def service_error(error: EngineError) -> ServiceError:
    """The service's error for an engine's."""
    if isinstance(error, InvalidPromptError):
        return invalid(str(error))
    if isinstance(error, BusyError):
        return ServiceError("ThrottlingException", str(error))
    if isinstance(error, GenerationError) and error.status is not None:
        return ServiceError("ModelErrorException", str(error), originalStatusCode=error.status)
    return ServiceError("ModelErrorException", str(error))
