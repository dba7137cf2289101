"""Which operation of the OpenAPI document answers a method and a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY_METHOD = "x-amazon-apigateway-any-method"
_METHODS = {"delete", "get", "head", "options", "patch", "post", "put"}
_SEGMENT = re.compile(r"\{([^}+]+)(\+?)\}")

T = TypeVar("T")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method or `ANY`, path, operation) of a document."""
    for path, item in document.get("paths", {}).items():
        for key, operation in item.items():
            if key in _METHODS:
                yield key.upper(), path, operation
            elif key == ANY_METHOD:
                yield "ANY", path, operation


class RouteTable(Generic[T]):
    """Finds the most specific path first: constants before `{name}` before `{name+}`, as API Gateway does."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], T] = {}
        self._patterns: list[tuple[tuple[int, ...], re.Pattern[str], str]] = []

    def add(self, method: str, path: str, target: T) -> None:
        """Register a target for a method, or for `ANY`."""
        if not any(known == path for _, _, known in self._patterns):
            self._patterns.append((_rank(path), _pattern(path), path))
            self._patterns.sort(key=lambda entry: entry[0])
        self._routes[method, path] = target

    def __iter__(self) -> Iterator[T]:
        """Every target."""
        return iter(self._routes.values())

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """The target and the path's parameters, as the client wrote them."""
        for _, pattern, known in self._patterns:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            for key in (method, "ANY"):
                if (key, known) in self._routes:
                    return self._routes[key, known], _parameters(known, match)
            # API Gateway does not look at a less specific path when the method is missing here.
            return None
        return None


def _rank(path: str) -> tuple[int, ...]:
    return tuple(2 if s.endswith("+}") else 1 if s.startswith("{") else 0 for s in path.split("/")[1:])


def _pattern(path: str) -> re.Pattern[str]:
    parts, position = [], 0
    for segment in _SEGMENT.finditer(path):
        parts.append(re.escape(path[position : segment.start()]))
        parts.append("(.+)" if segment.group(2) else "([^/]+)")
        position = segment.end()
    parts.append(re.escape(path[position:]))
    return re.compile("".join(parts), re.DOTALL)


def _parameters(path: str, match: re.Match[str]) -> dict[str, str]:
    names = [segment.group(1) for segment in _SEGMENT.finditer(path)]
    return dict(zip(names, match.groups(), strict=True))
