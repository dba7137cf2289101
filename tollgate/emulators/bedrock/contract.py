"""Reads and checks requests, and writes answers, by the shapes in botocore's service models."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import create_loader
from botocore.model import ServiceModel

from tollgate.emulators.bedrock.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel, Shape

# The model writes "any characters of this class" in a way that takes Python's backtracking matcher exponential
# time on hostile names; the replacement matches the same strings.
_SLOW_PATTERN = r"(-*[a-zA-Z0-9\+\-\.])*"
_SAME_BUT_FAST = r"[a-zA-Z0-9\+\-\.]*"


@cache
def service(name: str) -> ServiceModel:
    """The model of `bedrock` or `bedrock-runtime`."""
    return ServiceModel(create_loader().load_service_model(name, "service-2"), name)


def read_request(
    operation: OperationModel, path: Mapping[str, str], query: Mapping[str, str], body: Mapping[str, Any]
) -> dict[str, Any]:
    """Gather an operation's input from path, query and JSON body, as Python values.

    Raises:
        ServiceError: ValidationException, whose message lists every violation in the service's words.
    """
    shape: Any = operation.input_shape
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        source = {"uri": path, "querystring": query}.get(location, body)
        value = source.get(member.serialization.get("name", name))
        if value is not None:
            found[name] = _from_text(member, value) if location else value
    problems = list(violations(shape, found, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")
    return found


def write_answer(shape: Shape | None, value: Any) -> Any:
    """A value in the JSON form of its shape: members without a value are left out, times are ISO 8601."""
    if isinstance(value, dict):
        members: dict[str, Shape] = getattr(shape, "members", {})
        return {k: write_answer(members.get(k), v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [write_answer(getattr(shape, "member", None), item) for item in value]
    if shape is not None and shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _from_text(shape: Shape, text: str) -> Any:
    """Convert a text from a path or query string to its shape; a text that is not of the shape stays text."""
    if shape.type_name == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if shape.type_name == "timestamp":
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            return text
    return text


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "float": (float, int),
    "long": (int,),
    "map": (dict,),
    "blob": (str,),
    "timestamp": (float, int),
}


def violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Yield each place where a value breaks its shape, in the service's words; unknown members are ignored."""
    kinds: Any = _TYPES[shape.type_name]
    if getattr(shape, "is_document_type", False):
        return  # any JSON at all
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield _constraint(path, value, f"Member must be a {shape.type_name}")
    elif shape.type_name == "structure":
        yield from _structure_violations(shape, value, path)
    elif shape.type_name == "list":
        yield from _bound_violations(shape, value, len(value), "length", path)
        for number, item in enumerate(value, 1):
            yield from violations(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from violations(shape.value, item, f"{path}.{key}")
    elif shape.type_name in ("integer", "long", "float"):
        yield from _bound_violations(shape, value, value, "value", path)
    elif shape.type_name == "string":
        yield from _string_violations(shape, value, path)


def _structure_violations(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    dot = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{dot}{name}' failed to satisfy constraint: Member must not be null"
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"Value at '{path}' failed to satisfy constraint: Exactly one member must be set"
    for name, item in value.items():
        if name in shape.members and item is not None:
            yield from violations(shape.members[name], item, f"{dot}{name}")


def _string_violations(shape: Any, value: str, path: str) -> Iterator[str]:
    too_long = list(_bound_violations(shape, value, len(value), "length", path))
    yield from too_long
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _constraint(path, value, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    pattern = shape.metadata.get("pattern")
    # A string of the wrong length is not matched: the length bounds the time that matching takes.
    if pattern and not too_long and not re.fullmatch(pattern.replace(_SLOW_PATTERN, _SAME_BUT_FAST), value):
        yield _constraint(path, value, f"Member must satisfy regular expression pattern: {pattern}")


def _bound_violations(shape: Any, value: Any, size: int, noun: str, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _constraint(path, value, f"Member must have {noun} greater than or equal to {least}")
    if most is not None and size > most:
        yield _constraint(path, value, f"Member must have {noun} less than or equal to {most}")


def _constraint(path: str, value: Any, rule: str) -> str:
    shown = str(value)
    shown = shown if len(shown) <= 100 else f"{shown[:100]}…"
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {rule}"
