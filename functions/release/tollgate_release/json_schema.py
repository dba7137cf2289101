"""The part of JSON Schema that says what an answer looks like; other keywords are refused, never passed over.

The release function has no library for it, and one would be most of its package. https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),),
    "integer": (int,), "number": (int, float),
}  # fmt: skip
_KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum", "maximum",
             "minLength", "maxLength", "minItems", "maxItems", "pattern", "anyOf"}  # fmt: skip
_WORDS_ONLY = {"title", "description", "$schema", "examples", "default"}


class SchemaError(Exception):
    """Raised for a schema that uses what is not known here."""


def check_schema(schema: Any, place: str = "json_schema") -> None:
    """Refuse a schema that `violation` could not judge by.

    Raises:
        SchemaError: the text names the keyword.
    """
    if not isinstance(schema, dict):
        raise SchemaError(f"{place} must be an object")
    for keyword, value in schema.items():
        if keyword not in _KEYWORDS | _WORDS_ONLY:
            raise SchemaError(f"{place}: the keyword {keyword!r} is not known here")
        if keyword == "type" and not set(value if isinstance(value, list) else [value]) <= set(_TYPES):
            raise SchemaError(f"{place}.type: {value!r} is no type")
    for name, inner in schema.get("properties", {}).items():
        check_schema(inner, f"{place}.properties.{name}")
    if "items" in schema:
        check_schema(schema["items"], f"{place}.items")
    for number, inner in enumerate(schema.get("anyOf", [])):
        check_schema(inner, f"{place}.anyOf[{number}]")


def violation(schema: dict[str, Any], value: Any, place: str = "$") -> str | None:
    """Where a value does not fit a checked schema, as `$.findings[0].line: must be integer`; None where it fits.

    No value is in the text, only its place.
    """
    kinds = schema.get("type")
    if kinds is not None and not _is_of_type(value, kinds if isinstance(kinds, list) else [kinds]):
        return f"{place}: must be {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{place}: is none of the enum"
    if "const" in schema and value != schema["const"]:
        return f"{place}: is another constant"
    if "anyOf" in schema and all(violation(one, value, place) for one in schema["anyOf"]):
        return f"{place}: fits none of anyOf"
    if isinstance(value, dict):
        return _in_object(schema, value, place)
    if isinstance(value, list):
        return _in_list(schema, value, place)
    return _in_bounds(schema, value, place)


def _in_object(schema: dict[str, Any], value: dict[str, Any], place: str) -> str | None:
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            return f"{place}: lacks {name}"
    for name, item in value.items():
        if name in known:
            found = violation(known[name], item, f"{place}.{name}")
            if found:
                return found
        elif schema.get("additionalProperties") is False:
            return f"{place}: has a property that the schema has not"
    return None


def _in_list(schema: dict[str, Any], value: list[Any], place: str) -> str | None:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return f"{place}: has {len(value)} items"
    for number, item in enumerate(value):
        found = violation(schema.get("items", {}), item, f"{place}[{number}]")
        if found:
            return found
    return None


def _in_bounds(schema: dict[str, Any], value: Any, place: str) -> str | None:
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return f"{place}: has {len(value)} characters"
        if "pattern" in schema and re.search(schema["pattern"], value) is None:
            return f"{place}: does not match the pattern"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return f"{place}: is out of its bounds"
    return None


def _is_of_type(value: Any, kinds: list[str]) -> bool:
    for kind in kinds:
        if isinstance(value, bool) and kind in ("integer", "number"):
            continue
        if isinstance(value, _TYPES[kind]):
            return True
        if kind == "integer" and isinstance(value, float) and value.is_integer():
            return True
    return False
