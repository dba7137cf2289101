"""Makes up a value that a JSON schema allows."""

from __future__ import annotations

import math
from typing import Any

_DEEPEST = 8


def sample(schema: dict[str, Any]) -> Any:
    """A value of a schema: its default, its first choice, or the simplest value of its type.

    >>> sample({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})
    {'city': 'text', 'days': 1}
    """
    return _sample(schema, schema.get("$defs", schema.get("definitions", {})), 0)


def _sample(schema: Any, definitions: dict[str, Any], depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return _sample(definitions.get(schema["$ref"].rsplit("/", 1)[-1], {}), definitions, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    for name in ("anyOf", "oneOf", "allOf"):
        for alternative in schema.get(name, ()):
            if alternative.get("type") != "null":
                return _sample(alternative, definitions, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return _of_kind(kind, schema, definitions, depth)


def _of_kind(kind: str, schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _sample(one, definitions, depth + 1) for name, one in properties.items()}
    if kind == "array":
        wanted = max(1, schema.get("minItems", 1))
        return [_sample(schema.get("items", {}), definitions, depth + 1) for _ in range(min(wanted, 16))]
    if kind in ("integer", "number"):
        # A whole number is a number, too, and taken by those who read the schema less closely than they should.
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return math.ceil(least)
    return {"string": "text", "boolean": True, "null": None}.get(kind)
