"""Lambda's Invoke on loopback, for AWS's SDKs and for the streaming function, which calls hooks by it.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from tollgate.emulators.lambda_functions.environment import FunctionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from tollgate.emulators.lambda_functions.function import Function

_PATH = "/2015-03-31/functions/{function}/invocations"


class InvokeApi:
    """The one action on functions, which are found by ARN or by name; more may be added while it serves."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def app(self) -> Starlette:
        """The web application."""
        return Starlette(routes=[Route(_PATH, self._invoke, methods=["POST"])])

    async def _invoke(self, request: Request) -> Response:
        name = request.path_params["function"]
        function = find_function(self._functions, name)
        if function is None:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        try:
            event = json.loads(await request.body() or b"{}")
        except ValueError:
            return _error(400, "InvalidRequestContentException", "Could not parse request body into json")
        try:
            result = await run_in_threadpool(function.invoke, event)
        except FunctionError as error:
            if error.error_type.startswith("Lambda."):  # the service's own, and not the function's
                return _error(413, error.error_type.removeprefix("Lambda."), str(error.payload["errorMessage"]))
            headers = {"x-amz-function-error": "Unhandled"}
            return Response(json.dumps(error.payload), 200, headers, "application/json")
        headers = {"x-amz-executed-version": "$LATEST"}
        return Response(json.dumps(result, separators=(",", ":")), 200, headers, "application/json")


def find_function(functions: Mapping[str, Function], name: str) -> Function | None:
    """The function of an ARN, with or without a version or alias, or of a bare name; None where there is none."""
    unqualified = ":".join(name.split(":")[:7])
    if unqualified in functions:
        return functions[unqualified]
    for function in functions.values():
        if function.settings.name == name:
            return function
    return None


def _error(status: int, name: str, message: str) -> Response:
    body = json.dumps({"Type": "User", "Message": message})
    return Response(body, status, {"x-amzn-errortype": name}, "application/json")
