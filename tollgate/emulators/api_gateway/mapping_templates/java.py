"""Java's values in Velocity: how they print, and the methods of String, List and Map.

Checked against Apache Velocity 1.7 by tests/emulators/api_gateway/golden/mapping_templates.json.
"""

from __future__ import annotations

import json
import re
from typing import Any


class JavaMap(dict[str, Any]):
    """A map that prints as java.util.Map does: `{a=1, b=two}`."""

    def __str__(self) -> str:
        return "{" + ", ".join(f"{key}={java_string(value)}" for key, value in self.items()) + "}"


class JavaList(list[Any]):
    """A list that prints as JSON, as the arrays of `$input.path` do."""

    def __str__(self) -> str:
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False)


def java_string(value: Any) -> str:
    """Convert to text as Java's String.valueOf does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def to_java(value: Any) -> Any:
    """Convert plain JSON values to the classes above."""
    if isinstance(value, dict):
        return JavaMap({key: to_java(item) for key, item in value.items()})
    if isinstance(value, list):
        return JavaList(to_java(item) for item in value)
    return value


_GROUP_OR_ESCAPE = re.compile(r"\\(.)|\$(\d)", re.DOTALL)


def _replace_all(text: str, pattern: str, replacement: str) -> str:
    def expand(match: re.Match[str]) -> str:
        def part_value(part: re.Match[str]) -> str:
            # In Java's replacement strings a backslash quotes the next character and $1 is a group.
            quoted, group = part.groups()
            if quoted is not None:
                return str(quoted)
            return match.group(int(group)) or ""

        return _GROUP_OR_ESCAPE.sub(part_value, replacement)

    return re.sub(pattern, expand, text)


def _split(text: str, pattern: str) -> JavaList:
    parts = re.split(pattern, text)
    while len(parts) > 1 and parts[-1] == "":  # Java drops empty strings at the end
        parts.pop()
    return JavaList(parts)


def _put(mapping: JavaMap, key: str, value: Any) -> Any:
    previous = mapping.get(key)
    mapping[key] = value
    return previous


def _add(items: JavaList, value: Any) -> bool:
    items.append(value)
    return True


_STRING_METHODS = {
    "concat": lambda text, other: text + other,
    "contains": lambda text, part: part in text,
    "endsWith": lambda text, end: text.endswith(end),
    "equals": lambda text, other: text == other,
    "equalsIgnoreCase": lambda text, other: text.lower() == str(other).lower(),
    "indexOf": lambda text, part: text.find(part),
    "isEmpty": lambda text: not text,
    "length": len,
    "matches": lambda text, pattern: re.fullmatch(pattern, text) is not None,
    "replace": lambda text, old, new: text.replace(old, new),
    "replaceAll": _replace_all,
    "split": _split,
    "startsWith": lambda text, start: text.startswith(start),
    "substring": lambda text, start, end=None: text[start:end],
    "toLowerCase": lambda text: text.lower(),
    "toString": lambda text: text,
    "toUpperCase": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
}
_LIST_METHODS = {
    "add": _add,
    "contains": lambda items, value: value in items,
    "get": lambda items, index: items[index],
    "isEmpty": lambda items: not items,
    "size": len,
}
_MAP_METHODS = {
    "containsKey": lambda mapping, key: key in mapping,
    "entrySet": lambda mapping: JavaList(JavaMap(key=key, value=value) for key, value in mapping.items()),
    "get": lambda mapping, key: mapping.get(key),
    "isEmpty": lambda mapping: not mapping,
    "keySet": lambda mapping: JavaList(mapping),
    "put": _put,
    "size": len,
    "toString": str,
    "values": lambda mapping: JavaList(mapping.values()),
}
_NUMBER_METHODS = {
    "equals": lambda number, other: number == other,
    "toString": java_string,
}
METHODS: dict[type, dict[str, Any]] = {
    str: _STRING_METHODS,
    list: _LIST_METHODS,
    JavaList: _LIST_METHODS,
    dict: _MAP_METHODS,
    JavaMap: _MAP_METHODS,
    bool: _NUMBER_METHODS,
    int: _NUMBER_METHODS,
    float: _NUMBER_METHODS,
}
