"""Lambda authorizers, which are invoked, checked and cached as API Gateway does it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.refusals import RefusalError
from tollgate.emulators.lambda_functions import FunctionError
from tollgate.stack.definitions import DefinitionError, refuse_others

if TYPE_CHECKING:
    from tollgate.emulators.api_gateway.messages import ApiRequest, ApiSettings

Invoke = Callable[[dict[str, Any]], Any]
_DEFAULT_TTL_S = 300
_FIELDS = {"type", "authorizerUri", "authorizerCredentials", "authorizerResultTtlInSeconds",
           "identityValidationExpression", "identitySource"}  # fmt: skip
_HEADER_SOURCE = re.compile(r"method\.request\.header\.([\w-]+)")


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer of an authorizer. `context` is flat; `usage_key` is the API key for the usage plans."""

    principal_id: str
    statements: tuple[dict[str, Any], ...]
    context: dict[str, Any]
    usage_key: str | None

    def allows(self, method_arn: str) -> bool:
        """Whether the policy allows the method: a deny wins."""
        effects = {statement["Effect"] for statement in self.statements if _covers(statement, method_arn)}
        return effects == {"Allow"}


class Authorizer:
    """A TOKEN or REQUEST authorizer of a security scheme; `invoke` calls its function.

    Raises:
        DefinitionError: the authorizer uses something that is not implemented.
    """

    def __init__(self, scheme: dict[str, Any], invoke: Invoke, settings: ApiSettings, place: str) -> None:
        definition = scheme["x-amazon-apigateway-authorizer"]
        refuse_others(definition, _FIELDS, place, "the authorizer's ")
        self._kind = str(definition.get("type", "token")).upper()
        self._header = _identity_header(scheme, definition, self._kind, place)
        self._valid = re.compile(definition.get("identityValidationExpression", ".*"), re.DOTALL)
        self._ttl_s = float(definition.get("authorizerResultTtlInSeconds", _DEFAULT_TTL_S))
        self._invoke = invoke
        self._settings = settings
        self._cache: dict[str, tuple[float, Grant]] = {}
        self._lock = threading.Lock()

    def authorize(self, request: ApiRequest, resource_path: str, context: dict[str, Any]) -> Grant:
        """Admit a request and put the authorizer's answer into `$context`.

        Raises:
            RefusalError: there is no token, or one of the wrong form; access is denied; or the authorizer fails.
        """
        token = ""
        if self._header is not None:
            token = request.header(self._header) or ""
            if not token or self._valid.fullmatch(token) is None:
                raise RefusalError("UNAUTHORIZED")
        method_arn = self._settings.method_arn(request.method, request.path)
        grant = self._cached(token) or self._ask(token, method_arn, request, resource_path, context)
        if not grant.allows(method_arn):
            raise RefusalError("ACCESS_DENIED")
        context["authorizer"] = {"principalId": grant.principal_id, **grant.context}
        return grant

    def _cached(self, token: str) -> Grant | None:
        with self._lock:
            until_s, grant = self._cache.get(token, (0.0, None))
            return grant if time.monotonic() < until_s else None

    def _ask(
        self, token: str, method_arn: str, request: ApiRequest, resource_path: str, context: dict[str, Any]
    ) -> Grant:
        event = self._event(token, method_arn, request, resource_path, context)
        try:
            grant = _grant(self._invoke(event))
        except FunctionError as error:
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
            # A function says 401 by raising an error with exactly this message.
            unauthorized = error.payload.get("errorMessage") == "Unauthorized"
            raise RefusalError("UNAUTHORIZED" if unauthorized else "AUTHORIZER_FAILURE") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise RefusalError("AUTHORIZER_CONFIGURATION_ERROR") from error
        if self._ttl_s > 0:
            with self._lock:
                self._cache[token] = (time.monotonic() + self._ttl_s, grant)
        return grant

    def _event(
        self, token: str, method_arn: str, request: ApiRequest, resource_path: str, context: dict[str, Any]
    ) -> dict[str, Any]:
        if self._kind == "TOKEN":
            return {"type": "TOKEN", "methodArn": method_arn, "authorizationToken": token}
        parameters = request.parameters()
        return {
            "type": "REQUEST",
            "methodArn": method_arn,
            "resource": resource_path,
            "path": request.path,
            "httpMethod": request.method,
            "headers": dict(parameters.header),
            "queryStringParameters": dict(parameters.querystring),
            "pathParameters": dict(parameters.path),
            "stageVariables": {},
            "requestContext": context,
        }


def _identity_header(scheme: dict[str, Any], definition: dict[str, Any], kind: str, place: str) -> str | None:
    """The header that is the key of the cache; None for an authorizer that looks at requests and keeps nothing."""
    if kind == "REQUEST" and "identitySource" not in definition and definition.get("authorizerResultTtlInSeconds") == 0:
        return None
    if kind == "TOKEN":
        return str(scheme.get("name", "Authorization"))
    source = _HEADER_SOURCE.fullmatch(str(definition.get("identitySource", "")))
    if kind != "REQUEST" or source is None:
        problem = f"a {kind} authorizer with identitySource {definition.get('identitySource')!r} is not implemented"
        raise DefinitionError(place, f"{problem} by the local runner")
    return source.group(1)


def _grant(answer: dict[str, Any]) -> Grant:
    statements = answer["policyDocument"]["Statement"]
    if not isinstance(statements, list):  # a policy may write a single statement without a list
        statements = [statements]
    given = answer.get("context") or {}
    # API Gateway passes on plain values only.
    context = {name: value for name, value in given.items() if not isinstance(value, dict | list)}
    return Grant(str(answer["principalId"]), tuple(statements), context, answer.get("usageIdentifierKey"))


def _covers(statement: dict[str, Any], method_arn: str) -> bool:
    actions = _as_list(statement.get("Action"))
    # fnmatch knows sets such as [ab]; a policy does not, so its brackets are quoted.
    resources = [resource.replace("[", "[[]") for resource in _as_list(statement.get("Resource"))]
    allows_calls = any(fnmatchcase("execute-api:Invoke", action) for action in actions)
    return allows_calls and any(fnmatchcase(method_arn, resource) for resource in resources)


def _as_list(value: Any) -> list[str]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []
