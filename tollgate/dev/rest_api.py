"""Makes the template's REST API, keys and usage plans into a gateway that the runner can serve."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tollgate.account import ACCOUNT_ID, REGION
from tollgate.dev.aws_clients import DynamoDb, ServiceUnreachableError
from tollgate.emulators.api_gateway.document import (
    load_gateway_responses,
    load_operations,
    load_security,
    refuse_unsupported,
)
from tollgate.emulators.api_gateway.gateway import Gateway, RequestObserver
from tollgate.emulators.api_gateway.messages import ApiResponse, ApiSettings
from tollgate.emulators.api_gateway.operation import Backends
from tollgate.emulators.api_gateway.service_actions import ServiceAction, StartSyncExecution
from tollgate.emulators.api_gateway.usage_plans import ApiKey, UsagePlan, UsagePlans
from tollgate.stack import Stack
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tollgate.dev.functions import StackFunctions
    from tollgate.emulators.lambda_functions import Function
    from tollgate.emulators.step_functions import Execution, StateMachine

_FUNCTION_URI = re.compile(r"arn:aws:apigateway:[\w-]+:lambda:path/2015-03-31/functions/(?P<arn>[^/]+)/invocations")
_DYNAMODB_READS = ("GetItem", "Query", "Scan")


def load_gateway(
    stack: Stack,
    functions: StackFunctions,
    machines: dict[str, StateMachine],
    dynamodb: DynamoDb,
    key: str,
    observer: RequestObserver,
    on_execution: Callable[[Execution], None],
    speed: float = 1.0,
) -> Gateway:
    """Load the stack's one REST API.

    `key` is the value of the API key that AWS would generate. Integrations get `speed` times less real time than the
    document says.

    Raises:
        DefinitionError: the stack has no API or several, or the API uses what is not implemented.
    """
    apis = stack.resources("AWS::ApiGateway::RestApi")
    if len(apis) != 1:
        raise DefinitionError(stack.file, f"has {len(apis)} REST APIs; the local runner serves exactly one")
    (api,) = apis.values()
    document = api.properties["Body"]
    place = f"{stack.file}: {api.logical_id}"
    refuse_unsupported(document, place)
    settings = ApiSettings("local", _stage_name(stack), ACCOUNT_ID, REGION)
    plans = UsagePlans(_api_keys(stack, key))
    security = load_security(document, plans, _function_finder(functions.plain), settings, place)
    actions: dict[str, ServiceAction] = {"states:action/StartSyncExecution": StartSyncExecution(machines, on_execution)}
    actions |= {f"dynamodb:action/{name}": _DynamoDbRead(dynamodb, name) for name in _DYNAMODB_READS}
    routes = load_operations(document, security, Backends(actions, functions.web), place)
    return Gateway(routes, load_gateway_responses(document, place), settings, observer, speed)


class _DynamoDbRead:
    """A service action such as `dynamodb:action/GetItem`."""

    def __init__(self, dynamodb: DynamoDb, action: str) -> None:
        self._dynamodb = dynamodb
        self._action = action

    def __call__(self, body: str) -> ApiResponse:
        try:
            answer = self._dynamodb.call(self._action, body.encode("utf-8", "replace"))
        except (TimeoutError, ServiceUnreachableError) as error:
            return ApiResponse(503, f'{{"message": "{error}"}}'.encode())
        return ApiResponse(answer.status, answer.body, {"Content-Type": "application/x-amz-json-1.0"})


def _stage_name(stack: Stack) -> str:
    stages = stack.resources("AWS::ApiGateway::Stage")
    return next((str(stage.properties["StageName"]) for stage in stages.values()), "local")


def _function_finder(functions: Mapping[str, Function]) -> Callable[[str, str], Callable[[dict[str, Any]], Any]]:
    def find(uri: str, place: str) -> Callable[[dict[str, Any]], Any]:
        match = _FUNCTION_URI.fullmatch(uri)
        if match is None or match["arn"] not in functions:
            raise DefinitionError(place, f"the authorizerUri {uri!r} names no function of this stack")
        return functions[match["arn"]].invoke

    return find


def _api_keys(stack: Stack, generated: str) -> list[ApiKey]:
    """The template's API keys; a stack without any gets one key without limits."""
    plans = {plan.name: _usage_plan(plan.properties) for plan in stack.resources("AWS::ApiGateway::UsagePlan").values()}
    values = {}
    for resource in stack.resources("AWS::ApiGateway::ApiKey").values():
        values[resource.name] = resource.properties.get("Value", generated)
    keys = []
    for membership in stack.resources("AWS::ApiGateway::UsagePlanKey").values():
        key_id, plan_id = membership.properties["KeyId"], membership.properties["UsagePlanId"]
        keys.append(ApiKey(key_id, values.get(key_id, generated), plans[plan_id]))
    return keys or [ApiKey("local", generated, UsagePlan())]


def _usage_plan(properties: Mapping[str, Any]) -> UsagePlan:
    throttle, quota = properties.get("Throttle", {}), properties.get("Quota", {})
    return UsagePlan(
        rate=float(throttle["RateLimit"]) if "RateLimit" in throttle else None,
        burst=int(throttle["BurstLimit"]) if "BurstLimit" in throttle else None,
        quota=int(quota["Limit"]) if "Limit" in quota else None,
        period=str(quota.get("Period", "MONTH")),
    )
