"""The shapes that JSON from outside must have, in pydantic's own core schemas.

pydantic's model classes are built from such schemas at import; writing them directly does without the classes, whose
import alone would double the start-up time of Preprocess. Shapes only check: what passes is used as it was parsed.
https://docs.pydantic.dev/latest/api/pydantic_core_schema/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, core_schema

CONFIG = core_schema.CoreConfig(strict=True, extra_fields_behavior="forbid")

text = core_schema.str_schema
integer = core_schema.int_schema
number = core_schema.float_schema
flag = core_schema.bool_schema
list_of = core_schema.list_schema
anything = core_schema.any_schema


def only(*values: Any) -> CoreSchema:
    """One of a few values."""
    return core_schema.literal_schema([*values])


def json_object(values: CoreSchema | None = None) -> CoreSchema:
    """An object with any names."""
    return core_schema.dict_schema(core_schema.str_schema(), values)


def shape(required: dict[str, CoreSchema] | None = None, **optional: CoreSchema) -> CoreSchema:
    """An object with these fields and no others; those that are not required may be missing or null."""
    fields = {name: core_schema.typed_dict_field(schema, required=True) for name, schema in (required or {}).items()}
    for name, schema in optional.items():
        fields[name] = core_schema.typed_dict_field(core_schema.nullable_schema(schema), required=False)
    return core_schema.typed_dict_schema(fields, config=CONFIG, extra_behavior="forbid")


def text_or(other: CoreSchema, *, kind: type, message: str, words: CoreSchema | None = None) -> CoreSchema:
    """Text (of the shape `words`), or a value of the Python type `kind` of the shape `other`, or `message`.

    The tags stand in angle brackets, by which `location` knows that they are not fields.
    """

    def tag(value: Any) -> str | None:
        return "<text>" if isinstance(value, str) else "<other>" if isinstance(value, kind) else None

    return core_schema.tagged_union_schema(
        {"<text>": words or core_schema.str_schema(), "<other>": other},
        tag,
        custom_error_type="type",
        custom_error_message=message,
    )


def record_of(build: Callable[..., Any], fields: dict[str, CoreSchema]) -> CoreSchema:
    """An object whose fields become the keyword arguments of `build`."""
    parameters = [core_schema.arguments_parameter(name, schema, mode="keyword_only") for name, schema in fields.items()]
    return core_schema.call_schema(core_schema.arguments_schema(parameters), build)


def default(schema: CoreSchema, value: Any) -> CoreSchema:
    """A field that may be missing."""
    return core_schema.with_default_schema(schema, default=value)


def nullable(schema: CoreSchema) -> CoreSchema:
    """A field that may be missing or null, and is None then."""
    return default(core_schema.nullable_schema(schema), None)


def validator(schema: CoreSchema) -> SchemaValidator:
    """A validator that coerces nothing and refuses unknown fields."""
    return SchemaValidator(schema, CONFIG)


def location(steps: tuple[int | str, ...]) -> str:
    """Where in a document an error is: `messages[2].role`."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not (step.startswith("<") and step.endswith(">")):
            path += f".{step}" if path else step
    return path[:200]
