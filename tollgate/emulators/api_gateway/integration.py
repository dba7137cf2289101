"""Integrations with mapping templates: `mock` and `aws`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.mapping_templates import InvalidBodyError, MappingError, MappingTemplate, Parameters
from tollgate.emulators.api_gateway.messages import ApiRequest, ApiResponse
from tollgate.emulators.api_gateway.parameter_mapping import ParameterMapping
from tollgate.emulators.api_gateway.refusals import RefusalError
from tollgate.stack.definitions import DefinitionError, refuse_others

if TYPE_CHECKING:
    from tollgate.emulators.api_gateway.service_actions import ServiceAction

_JSON = "application/json"
_DEFAULT_TIMEOUT_MS = 29_000
_FIELDS = {"type", "httpMethod", "uri", "credentials", "passthroughBehavior", "requestTemplates", "responses",
           "timeoutInMillis", "responseTransferMode"}  # fmt: skip
_RESPONSE_FIELDS = {"statusCode", "responseTemplates", "responseParameters"}


def integration_timeout_s(definition: dict[str, Any]) -> float:
    """The time that API Gateway waits for the integration."""
    return float(definition.get("timeoutInMillis", _DEFAULT_TIMEOUT_MS)) / 1000


@dataclass(frozen=True, slots=True)
class _IntegrationResponse:
    status: int
    templates: dict[str, MappingTemplate]
    parameters: ParameterMapping


class MappedIntegration:
    """An integration that renders the request's template, calls a service and maps the service's answer back.

    Without an `action` it is a `mock`, whose rendered request itself names the status.

    Raises:
        DefinitionError: the operation uses something that is not implemented, or maps to a status or header
            that it does not declare, which API Gateway refuses at deployment.
    """

    def __init__(self, operation: dict[str, Any], action: ServiceAction | None, place: str) -> None:
        definition = operation["x-amazon-apigateway-integration"]
        refuse_others(definition, _FIELDS, place, "the integration's ")
        self._action = action
        self._place = place
        self._passthrough = str(definition.get("passthroughBehavior", "when_no_match")).lower()
        self.timeout_s = integration_timeout_s(definition)
        self._requests = _templates(definition.get("requestTemplates", {}), f"{place}: requestTemplates")
        self._responses = {
            pattern: _integration_response(entry, operation, f"{place}: responses: {pattern}")
            for pattern, entry in definition.get("responses", {}).items()
        }

    def respond(self, request: ApiRequest, context: dict[str, Any]) -> ApiResponse:
        """Answer a request.

        Raises:
            RefusalError: the body has a media type that no template takes, is no JSON, or a template fails.
        """
        rendered = self._render_request(request, context)
        if self._action is None:
            answer = ApiResponse(self._mocked_status(rendered), b"")
        else:
            answer = self._action(rendered)
        return self._map_response(answer, request, context)

    def _render_request(self, request: ApiRequest, context: dict[str, Any]) -> str:
        # Lone surrogates cannot be sent as UTF-8; API Gateway replaces what it cannot decode.
        body = request.body.decode("utf-8", "replace")
        media_type = (request.header("content-type") or _JSON).split(";")[0].strip().lower()
        template = self._requests.get(media_type)
        if template is not None:
            return _render(template, body, request.parameters(), context)[0]
        passes = self._passthrough == "when_no_match" or not self._requests
        if self._passthrough == "never" or not passes:
            raise RefusalError("UNSUPPORTED_MEDIA_TYPE")
        return body

    def _mocked_status(self, rendered: str) -> int:
        try:
            return int(json.loads(rendered)["statusCode"])
        except (ValueError, KeyError, TypeError) as error:
            raise RefusalError("API_CONFIGURATION_ERROR") from error

    def _map_response(self, answer: ApiResponse, request: ApiRequest, context: dict[str, Any]) -> ApiResponse:
        chosen = self._choose(answer.status)
        content_type, template = _response_template(chosen.templates, answer)
        response = ApiResponse(chosen.status, answer.body, {"Content-Type": content_type})
        status: int | None = None
        headers: dict[str, str] = {}
        if template is not None:
            body = answer.body.decode("utf-8", "surrogatepass")
            text, status, headers = _render(template, body, request.parameters(), context)
            response.body = text.encode("utf-8", "replace")
        chosen.parameters.apply(response, request, context, answer)
        response.status = status or response.status
        for name, value in headers.items():
            response.set_header(name, value)
        return response

    def _choose(self, status: int) -> _IntegrationResponse:
        for pattern, response in self._responses.items():
            if pattern != "default" and re.fullmatch(pattern, str(status)):
                return response
        if "default" not in self._responses:
            raise RefusalError("API_CONFIGURATION_ERROR")
        return self._responses["default"]


def _render(
    template: MappingTemplate, body: str, parameters: Parameters, context: dict[str, Any]
) -> tuple[str, int | None, dict[str, str]]:
    try:
        rendered = template.render(body, parameters, context)
    except InvalidBodyError as error:
        raise RefusalError("BAD_REQUEST_BODY") from error
    except MappingError as error:
        raise RefusalError("API_CONFIGURATION_ERROR") from error
    return rendered.text, rendered.status, rendered.headers


def _templates(sources: dict[str, str], place: str) -> dict[str, MappingTemplate]:
    return {kind.lower(): MappingTemplate(source, f"{place}: {kind}") for kind, source in sources.items()}


def _response_template(
    templates: dict[str, MappingTemplate], answer: ApiResponse
) -> tuple[str, MappingTemplate | None]:
    answered = answer.headers.get("Content-Type", _JSON)
    for kind in (answered, _JSON):
        if kind in templates:
            return kind, templates[kind]
    return next(iter(templates.items()), (answered if answer.body else _JSON, None))


def _integration_response(entry: dict[str, Any], operation: dict[str, Any], place: str) -> _IntegrationResponse:
    refuse_others(entry, _RESPONSE_FIELDS, place)
    status = str(entry["statusCode"])
    declared = {str(code): response for code, response in operation.get("responses", {}).items()}
    if status not in declared:
        raise DefinitionError(place, f"maps to status {status}, which the operation's responses do not declare")
    headers = {name.lower() for name in declared[status].get("headers", {})}
    prefix = "method.response.header."
    for target in entry.get("responseParameters", {}):
        if target.removeprefix(prefix).lower() not in headers:
            problem = f"maps {target}, a header which the operation's response {status} does not declare"
            raise DefinitionError(place, problem)
    return _IntegrationResponse(
        int(status),
        _templates(entry.get("responseTemplates", {}), place),
        ParameterMapping(entry.get("responseParameters", {}), prefix, place),
    )
