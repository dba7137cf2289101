"""API Gateway: a REST API, read from its OpenAPI document."""

from tollgate.emulators.api_gateway.gateway import Gateway, RequestObserver
from tollgate.emulators.api_gateway.service_actions import ServiceAction
from tollgate.emulators.api_gateway.usage_plans import ApiKey, UsagePlan, UsagePlans

__all__ = ["ApiKey", "Gateway", "RequestObserver", "ServiceAction", "UsagePlan", "UsagePlans"]
