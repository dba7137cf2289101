"""The embedded Bedrock as an ASGI application: bedrock-runtime, bedrock, and the routes under `/_tollgate`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from tollgate.emulators.bedrock import contract, control, control_plane, converse, runtime, sagemaker
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.http import check_signing_region, error_answer, json_answer, read_object
from tollgate.emulators.bedrock.responses import silence_broken_connections

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from botocore.model import OperationModel
    from starlette.requests import Request
    from starlette.responses import Response

    from tollgate.emulators.bedrock.service import Bedrock

    Endpoint = Callable[[Request], Awaitable[Response]]


_RUNTIME = runtime.OPERATIONS | converse.OPERATIONS


def create_app(bedrock: Bedrock) -> Starlette:
    """Serve `bedrock` to unmodified AWS SDKs through their `endpoint_url`."""
    silence_broken_connections()
    app = Starlette(
        routes=[
            *(_route("bedrock-runtime", name, endpoint) for name, endpoint in _RUNTIME.items()),
            *(_route("bedrock", name, _control_plane_endpoint(name)) for name in control_plane.OPERATIONS),
            *control.routes,
            *sagemaker.routes,
        ],
        exception_handlers={
            ServiceError: _service_error,
            404: _unknown_operation,
            405: _unknown_operation,
            Exception: _internal_error,
        },
    )
    app.router.redirect_slashes = False
    app.state.bedrock = bedrock
    return app


def _route(service: str, name: str, endpoint: Endpoint) -> Route:
    """The route of an operation, from botocore's model; parameters may hold slashes, as ARNs do."""
    http = contract.service(service).operation_model(name).http
    return Route(re.sub(r"{(\w+)}", r"{\1:path}", http["requestUri"]), endpoint, methods=[http["method"]])


def _control_plane_endpoint(name: str) -> Endpoint:
    operation: OperationModel = contract.service("bedrock").operation_model(name)
    operate = control_plane.OPERATIONS[name]

    async def endpoint(request: Request) -> Response:
        bedrock: Bedrock = request.app.state.bedrock
        check_signing_region(request, bedrock.settings.region)
        body = await read_object(request) if request.method == "POST" else {}
        arguments = contract.read_request(operation, request.path_params, request.query_params, body)
        answer = contract.write_answer(operation.output_shape, operate(bedrock, arguments))
        return json_answer(answer, operation.http["responseCode"])

    return endpoint


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return error_answer(error)


async def _unknown_operation(request: Request, error: Exception) -> Response:
    message = f"The embedded Bedrock has no operation {request.method} {request.url.path}."
    return error_answer(ServiceError("UnknownOperationException", message))


async def _internal_error(request: Request, error: Exception) -> Response:
    return error_answer(ServiceError("InternalServerException", "The embedded Bedrock failed; its log says why."))
