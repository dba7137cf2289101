"""Gateway responses: the answers of API Gateway to requests that it refuses itself.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tollgate.emulators.api_gateway.messages import ApiRequest, ApiResponse, look_up
from tollgate.emulators.api_gateway.parameter_mapping import ParameterMapping
from tollgate.stack.definitions import DefinitionError, refuse_others

PAYLOAD_LIMIT_BYTES = 10 * 1024 * 1024
"""The most that a request's body may have. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
_JSON = "application/json"
_DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'
_NAME = r"context\.([A-Za-z]\w*(?:\.[A-Za-z][\w-]*)*)"
_VARIABLE = re.compile(rf"\$(?:\{{{_NAME}\}}|{_NAME})")
_VELOCITY = re.compile(r"#(?:set|if|foreach|else|end)\b|\$\{?(?:input|util)\b")


@dataclass(frozen=True, slots=True)
class _Type:
    status: int
    message: str
    error_type: str


_TYPES = {
    "ACCESS_DENIED": _Type(403, "User is not authorized to access this resource", "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": _Type(500, "Internal server error", "InternalServerErrorException"),
    "AUTHORIZER_CONFIGURATION_ERROR": _Type(500, "Internal server error", "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": _Type(500, "Internal server error", "AuthorizerConfigurationException"),
    "BAD_REQUEST_BODY": _Type(400, "Invalid request body", "BadRequestException"),
    "INTEGRATION_FAILURE": _Type(504, "Network error communicating with endpoint", "GatewayTimeoutException"),
    "INTEGRATION_TIMEOUT": _Type(504, "Endpoint request timed out", "GatewayTimeoutException"),
    "INVALID_API_KEY": _Type(403, "Forbidden", "ForbiddenException"),
    "MISSING_AUTHENTICATION_TOKEN": _Type(403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
    "QUOTA_EXCEEDED": _Type(429, "Limit Exceeded", "LimitExceededException"),
    "REQUEST_TOO_LARGE": _Type(
        413, f"HTTP content length exceeded {PAYLOAD_LIMIT_BYTES} bytes.", "RequestTooLargeException"
    ),
    "THROTTLED": _Type(429, "Too Many Requests", "TooManyRequestsException"),
    "UNAUTHORIZED": _Type(401, "Unauthorized", "UnauthorizedException"),
    "UNSUPPORTED_MEDIA_TYPE": _Type(415, "Unsupported Media Type", "UnsupportedMediaTypeException"),
}
# These types belong to features that the local runner does not have.
_NEVER_SENT = {"BAD_REQUEST_PARAMETERS", "EXPIRED_TOKEN", "INVALID_SIGNATURE", "RESOURCE_NOT_FOUND", "WAF_FILTERED"}
_FALLBACKS = ("DEFAULT_4XX", "DEFAULT_5XX")
_FIELDS = {"statusCode", "responseTemplates", "responseParameters"}


class RefusalError(Exception):
    """Raised when API Gateway refuses a request; `type` is the type of the gateway response."""

    def __init__(self, type_: str) -> None:
        super().__init__(type_)
        self.type = type_


class GatewayResponses:
    """The gateway responses of a document (`x-amazon-apigateway-gateway-responses`), and the defaults.

    Raises:
        DefinitionError: a type is unknown, or a template uses Velocity, which gateway responses do not run.
    """

    def __init__(self, definitions: dict[str, Any], place: str) -> None:
        self._definitions = definitions
        self._headers: dict[str, ParameterMapping] = {}
        for type_, definition in definitions.items():
            where = f"{place}: {type_}"
            if type_ not in (*_TYPES, *_FALLBACKS, *_NEVER_SENT):
                raise DefinitionError(where, "is no type of gateway response")
            refuse_others(definition, _FIELDS, where)
            for template in definition.get("responseTemplates", {}).values():
                if found := _VELOCITY.search(template):
                    raise DefinitionError(
                        where, f"a gateway response cannot run {found.group()}; only $context is there"
                    )
            self._headers[type_] = ParameterMapping(
                definition.get("responseParameters", {}), "gatewayresponse.header.", where
            )

    def render(self, refusal: RefusalError, request: ApiRequest, context: dict[str, Any]) -> ApiResponse:
        """The response to a refused request."""
        kind = _TYPES[refusal.type]
        name = self._definition_name(refusal.type, kind.status)
        definition = self._definitions.get(name, {})
        error = {
            "message": kind.message,
            "messageString": json.dumps(kind.message),
            "responseType": refusal.type,
        }
        known = {**context, "error": error}
        content_type, template = next(iter(definition.get("responseTemplates", {}).items()), (_JSON, _DEFAULT_TEMPLATE))
        body = _VARIABLE.sub(lambda match: look_up(known, match.group(1) or match.group(2)), template)
        headers = {"Content-Type": content_type, "x-amzn-ErrorType": kind.error_type}
        response = ApiResponse(int(definition.get("statusCode", kind.status)), body.encode(), headers)
        if name in self._headers:
            self._headers[name].apply(response, request, known)
        return response

    def _definition_name(self, type_: str, status: int) -> str:
        fallback = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"
        return type_ if type_ in self._definitions else fallback
