"""API Gateway's mapping templates: Velocity with `$input`, `$util` and `$context`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from tollgate.emulators.api_gateway.mapping_templates.template import MappingError, MappingTemplate, Rendered
from tollgate.emulators.api_gateway.mapping_templates.variables import InvalidBodyError, Parameters

__all__ = ["InvalidBodyError", "MappingError", "MappingTemplate", "Parameters", "Rendered"]
