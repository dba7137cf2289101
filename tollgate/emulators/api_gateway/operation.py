"""One operation of the OpenAPI document: who may call it, and which integration answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.integration import MappedIntegration
from tollgate.emulators.api_gateway.streaming import StreamingIntegration
from tollgate.stack.definitions import DefinitionError, refuse_others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.api_gateway.authorizer import Authorizer
    from tollgate.emulators.api_gateway.messages import ApiRequest
    from tollgate.emulators.api_gateway.service_actions import ServiceAction
    from tollgate.emulators.api_gateway.usage_plans import UsagePlans
    from tollgate.emulators.lambda_functions import WebFunction

_SERVICE_URI = re.compile(r"arn:aws:apigateway:[\w-]+:(?P<action>[\w-]+:action/\w+)")
_STREAM_URI = re.compile(
    r"arn:aws:apigateway:[\w-]+:lambda:path/2021-11-15/functions/(?P<arn>[^/]+)/response-streaming-invocations"
)
_FIELDS = {"operationId", "summary", "description", "tags", "parameters", "requestBody", "responses", "security",
           "deprecated", "x-amazon-apigateway-integration"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backends:
    """The targets of integrations: service actions, by names such as `states:action/StartSyncExecution`, and web
    functions, by ARN."""

    actions: Mapping[str, ServiceAction]
    web_functions: Mapping[str, WebFunction]


@dataclass(frozen=True, slots=True)
class Security:
    """How an API identifies its callers; `key_source` says where their API key is: HEADER or AUTHORIZER."""

    authorizers: Mapping[str, Authorizer]
    key_schemes: frozenset[str]
    key_source: str
    usage_plans: UsagePlans


class Operation:
    """Admits a request, then leaves the answer to `integration`.

    Raises:
        DefinitionError: the operation uses something that is not implemented, or that API Gateway refuses.
    """

    def __init__(
        self, definition: dict[str, Any], resource_path: str, security: Security, backends: Backends, place: str
    ) -> None:
        refuse_others(definition, _FIELDS, place)
        self.resource_path = resource_path
        # API Gateway requires all of the listed schemes, where OpenAPI would be content with any one of them.
        schemes = [name for requirement in definition.get("security", []) for name in requirement]
        for name in schemes:
            if name not in security.authorizers and name not in security.key_schemes:
                raise DefinitionError(place, f"the security scheme {name!r} is not implemented by the local runner")
        self._authorizers = [security.authorizers[name] for name in schemes if name in security.authorizers]
        self._needs_key = any(name in security.key_schemes for name in schemes)
        self._security = security
        self.integration = _integration(definition, backends, place)

    def admit(self, request: ApiRequest, context: dict[str, Any]) -> None:
        """Check the caller and count the request; the caller's identity is put into `context`.

        Raises:
            RefusalError: the caller is unknown, denied, or too busy.
        """
        usage_key = None
        for authorizer in self._authorizers:
            usage_key = authorizer.authorize(request, self.resource_path, context).usage_key
        if self._needs_key:
            value = usage_key if self._security.key_source == "AUTHORIZER" else request.header("x-api-key")
            key = self._security.usage_plans.admit(value)
            context["identity"] |= {"apiKey": key.value, "apiKeyId": key.id}


def _integration(
    definition: dict[str, Any], backends: Backends, place: str
) -> MappedIntegration | StreamingIntegration:
    integration = definition.get("x-amazon-apigateway-integration")
    if integration is None:
        raise DefinitionError(place, "has no x-amazon-apigateway-integration")
    kind, uri = str(integration.get("type", "")).lower(), str(integration.get("uri", ""))
    if kind == "mock":
        return MappedIntegration(definition, None, place)
    if kind == "aws" and (service := _SERVICE_URI.fullmatch(uri)) and service["action"] in backends.actions:
        return MappedIntegration(definition, backends.actions[service["action"]], place)
    if kind == "aws_proxy" and (function := _STREAM_URI.fullmatch(uri)):
        if function["arn"] not in backends.web_functions:
            raise DefinitionError(place, f"{function['arn']} is no function under the Lambda Web Adapter")
        if str(integration.get("responseTransferMode", "BUFFERED")).upper() != "STREAM":
            raise DefinitionError(place, "aws_proxy is implemented with responseTransferMode STREAM only")
        return StreamingIntegration(integration, backends.web_functions[function["arn"]], place)
    raise DefinitionError(place, f"the integration {kind} {uri!r} is not implemented by the local runner")
