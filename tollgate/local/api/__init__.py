"""A REST API of API Gateway, read from its OpenAPI document."""

from tollgate.local.api.gateway import Gateway, RequestObserver
from tollgate.local.api.services import ServiceAction
from tollgate.local.api.usage import ApiKey, UsagePlan, UsagePlans

__all__ = ["ApiKey", "Gateway", "RequestObserver", "ServiceAction", "UsagePlan", "UsagePlans"]
