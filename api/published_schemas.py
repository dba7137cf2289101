"""Pydantic models as schemas of the published contract: OpenAPI 3.0.1, as far as API Gateway takes it.

API Gateway reads a schema as JSON schema of draft 4 and refuses, or warns of, many keywords. What it does not take is
left out, so that the published schema is never stricter than the validator; the description of the field says the rest.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

from typing import Any

from api.requests.shape import Shape

Schema = dict[str, Any]

# Keywords that stay as they are. Others go, such as title, default, pattern, additionalProperties, a parameter's row.
_KEPT = (
    "type",
    "description",
    "enum",
    "required",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
)


def published_schema(model: type[Shape]) -> Schema:
    """The published schema of a model; models inside of it are written out in their place."""
    schema = model.model_json_schema()
    return _published(schema, schema.get("$defs", {}))


def _published(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return _published({**target, **_without(schema, "$ref")}, definitions)
    alternatives = schema.get("anyOf", schema.get("oneOf"))
    if alternatives:
        return _alternatives(_without(schema, "anyOf", "oneOf"), alternatives, definitions)

    published: Schema = {}
    for key in _KEPT:
        if key in schema:
            published[key] = schema[key]
    if schema.get("type") == "null":
        del published["type"]
    if schema.get("const") is not None:
        published["enum"] = [schema["const"]]
    _add_exclusive_limits(published, schema)
    if "items" in schema:
        published["items"] = _published(schema["items"], definitions)
    if "properties" in schema:
        published["properties"] = {}
        for name, field in schema["properties"].items():
            published["properties"][name] = _published(field, definitions)
    return published


def _alternatives(schema: Schema, alternatives: list[Schema], definitions: dict[str, Schema]) -> Schema:
    """A type or null makes a nullable field. Two types are published as none, for want of anyOf in API Gateway."""
    null: Schema = {"type": "null"}
    if len(alternatives) == 2 and alternatives[1] == null:
        published = _published({**alternatives[0], **schema}, definitions)
        if "type" in published:
            published["nullable"] = True
        return published
    return _published(schema, definitions)


def _add_exclusive_limits(published: Schema, schema: Schema) -> None:
    """API Gateway knows no exclusive limits: a whole number's is the next one, and a fraction's is told in words."""
    step = 1 if schema.get("type") == "integer" else 0
    if "exclusiveMinimum" in schema:
        published["minimum"] = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        published["maximum"] = schema["exclusiveMaximum"] - step


def _without(schema: Schema, *keys: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}
