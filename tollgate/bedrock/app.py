"""The embedded Bedrock as an ASGI application: bedrock-runtime, bedrock, and the `/_tollgate` control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from tollgate.bedrock import control, runtime
from tollgate.bedrock.errors import ServiceError
from tollgate.bedrock.http import error_answer
from tollgate.bedrock.responses import silence_broken_connections

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tollgate.bedrock.service import Bedrock


def create_app(bedrock: Bedrock) -> Starlette:
    """Serve `bedrock` to unmodified AWS SDKs through their `endpoint_url`."""
    app = Starlette(
        routes=[
            Route("/model/{model_id:path}/invoke", runtime.invoke_model, methods=["POST"]),
            Route(
                "/model/{model_id:path}/invoke-with-response-stream",
                runtime.invoke_model_with_response_stream,
                methods=["POST"],
            ),
            *control.routes,
        ],
        exception_handlers={
            ServiceError: _service_error,
            404: _unknown_operation,
            405: _unknown_operation,
            Exception: _internal_error,
        },
    )
    silence_broken_connections()
    app.router.redirect_slashes = False
    app.state.bedrock = bedrock
    return app


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return error_answer(error)


async def _unknown_operation(request: Request, error: Exception) -> Response:
    message = f"The embedded Bedrock has no operation {request.method} {request.url.path}."
    return error_answer(ServiceError("UnknownOperationException", message))


async def _internal_error(request: Request, error: Exception) -> Response:
    return error_answer(
        ServiceError("InternalServerException", "The embedded Bedrock failed; its log says why.")
    )
