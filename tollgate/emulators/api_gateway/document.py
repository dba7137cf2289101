"""Loads the OpenAPI document as API Gateway imports it, with API Gateway's exceptions to the specification.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.authorizer import Authorizer, Invoke
from tollgate.emulators.api_gateway.operation import Backends, Operation, Security
from tollgate.emulators.api_gateway.refusals import GatewayResponses
from tollgate.emulators.api_gateway.routes import RouteTable, operations
from tollgate.stack.definitions import DefinitionError, refuse_others

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.emulators.api_gateway.messages import ApiSettings
    from tollgate.emulators.api_gateway.usage_plans import UsagePlans

# A policy says from where the API is reached; here that is this machine only.
_FIELDS = {"openapi", "info", "servers", "tags", "paths", "components", "x-amazon-apigateway-api-key-source",
           "x-amazon-apigateway-gateway-responses", "x-amazon-apigateway-policy"}  # fmt: skip
_AUTHORIZER = "x-amazon-apigateway-authorizer"


def refuse_unsupported(document: dict[str, Any], place: str) -> None:
    """Raise DefinitionError for what API Gateway ignores or refuses, and for what the runner does not implement."""
    if "security" in document:
        problem = "API Gateway ignores security at the root of the document: declare it on each operation"
        raise DefinitionError(place, problem)
    refuse_others(document, _FIELDS, place)
    for method, path, operation in operations(document):
        for status, response in operation.get("responses", {}).items():
            where = f"{place}: {method} {path}: response {status}"
            if "$ref" in response:
                raise DefinitionError(where, "API Gateway does not follow $ref here: write the response out")
            for content in response.get("content", {}).values():
                if content.get("schema", {}).get("type", "object") != "object":
                    raise DefinitionError(where, "API Gateway takes only object schemas in a method's response")


def load_operations(
    document: dict[str, Any], security: Security, backends: Backends, place: str
) -> RouteTable[Operation]:
    """Check every operation of the document and put it into a table of routes."""
    routes: RouteTable[Operation] = RouteTable()
    for method, path, definition in operations(document):
        routes.add(method, path, Operation(definition, path, security, backends, f"{place}: {method} {path}"))
    return routes


def load_security(
    document: dict[str, Any],
    usage_plans: UsagePlans,
    authorizer_function: Callable[[str, str], Invoke],
    settings: ApiSettings,
    place: str,
) -> Security:
    """Load the security schemes; `authorizer_function` finds a function by an authorizer's URI and a place."""
    authorizers, key_schemes = {}, set()
    for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
        where = f"{place}: securitySchemes: {name}"
        if _AUTHORIZER in scheme:
            invoke = authorizer_function(scheme[_AUTHORIZER].get("authorizerUri", ""), where)
            authorizers[name] = Authorizer(scheme, invoke, settings, where)
        elif scheme.get("type") == "apiKey" and scheme.get("name") == "x-api-key" and scheme.get("in") == "header":
            key_schemes.add(name)
        else:
            raise DefinitionError(where, "is neither an API key in x-api-key nor a Lambda authorizer")
    source = str(document.get("x-amazon-apigateway-api-key-source", "HEADER")).upper()
    return Security(authorizers, frozenset(key_schemes), source, usage_plans)


def load_gateway_responses(document: dict[str, Any], place: str) -> GatewayResponses:
    """Load the answers of API Gateway itself."""
    name = "x-amazon-apigateway-gateway-responses"
    return GatewayResponses(document.get(name, {}), f"{place}: {name}")
