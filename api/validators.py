"""Pydantic models as the JSON files that `tollgate_layer.inference.schemas` loads.

A model class keeps the schema from which pydantic builds its validator, and that schema is nearly data: it also names
the class, which is not deployed. So `model` becomes `typed-dict`, which checks a JSON object in the same way and with
the same errors.
https://docs.pydantic.dev/latest/api/pydantic_core_schema/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from api.requests.shape import Shape
from tollgate_layer.inference.schemas import FUNCTION_MARKER

Schema = dict[str, Any]

# What pydantic keeps beside a schema for its own classes and for serialising: a validator does without.
_NOT_NEEDED = ("metadata", "serialization", "ref")


def validator_schema(model: type[Shape], *, fill_in: bool) -> Schema:
    """The schema of a model's JSON object, as JSON.

    With `fill_in`, fields that are missing get their defaults in the validator's result. Without, they stay missing.
    """
    schema = model.__pydantic_core_schema__
    definitions = {}
    if schema["type"] == "definitions":  # what is used twice is kept beside the schema, which refers to it
        for definition in schema["definitions"]:
            definitions[definition["ref"]] = definition
        schema = schema["schema"]
    plain: Schema = _Plain(definitions, fill_in).of(schema)
    # Faults are told in this order, and a base class's fields come before its subclass's: begin with what is required.
    fields = dict(sorted(plain["fields"].items(), key=lambda item: not item[1]["required"]))
    return {**plain, "fields": fields}


class _Plain:
    """Turns core schemas into JSON."""

    def __init__(self, definitions: dict[str, Schema], fill_in: bool) -> None:
        self._definitions = definitions
        self._fill_in = fill_in

    def of(self, node: Any) -> Any:
        """A core schema, or a part of one, without classes and functions."""
        if isinstance(node, dict):
            return self._schema(node)
        if isinstance(node, list | tuple):
            return [self.of(item) for item in node]
        if isinstance(node, BaseModel):  # a default
            return node.model_dump()
        if callable(node):
            return {FUNCTION_MARKER: node.__name__}
        return node

    def _schema(self, node: Schema) -> Schema:
        kind = node.get("type")
        if kind == "definition-ref":
            return self._schema(self._definitions[node["schema_ref"]])
        if kind == "model":
            fields = {}
            for name, field in node["schema"]["fields"].items():
                # `schema` is a method of every pydantic model, so that a field of this name has another one there.
                fields[field.get("validation_alias", name)] = self._field(field)
            unknown = node["config"]["extra_fields_behavior"]
            return {
                "type": "typed-dict",
                "fields": fields,
                "config": {"strict": True, "extra_fields_behavior": unknown},
            }
        if kind == "default" and not self._fill_in:
            return self._schema(node["schema"])
        return {key: self.of(value) for key, value in node.items() if key not in _NOT_NEEDED}

    def _field(self, field: Schema) -> Schema:
        required = field["schema"]["type"] != "default"
        return {"type": "typed-dict-field", "schema": self._schema(field["schema"]), "required": required}


def field_paths(node: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields in a validator's schema, without places in lists: `messages.content.type`."""
    if isinstance(node, list):
        for item in node:
            yield from field_paths(item, path)
    elif isinstance(node, dict):
        if node.get("type") != "typed-dict":
            yield from field_paths([*node.values()], path)
            return
        for name, field in node["fields"].items():
            field_path = f"{path}.{name}" if path else name
            yield field_path
            yield from field_paths(field, field_path)


def parameter_table(models: list[type[Shape]]) -> dict[str, Schema]:
    """The rows of all fields of the request models; a parameter of several routes has one row."""
    table: dict[str, Schema] = {}
    for model in models:
        for name, field in model.model_fields.items():
            assert isinstance(field.json_schema_extra, dict), f"{model.__name__}.{name} is not declared by parameter()"
            row: Any = field.json_schema_extra["row"]
            honoured_by = {honourer: row["renamed"].get(honourer, name) for honourer in row["honoured_by"]}
            known = table.setdefault(name, {"nothing": [], "nothing_elsewhere": [], "honoured_by": honoured_by})
            assert known["honoured_by"] == honoured_by, f"{name} is honoured by different formats on different routes"
            for kind in ("nothing", "nothing_elsewhere"):
                known[kind] += [value for value in row[kind] if value not in known[kind]]
    return table
