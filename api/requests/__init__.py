"""The requests that clients send, one module per route, as pydantic models.

The models are never instantiated. Two things are generated from them: the schemas that `api/openapi.yaml` publishes,
and the validators that the functions load (`tollgate_layer.inference.schemas`). Pydantic itself is not deployed.
"""
