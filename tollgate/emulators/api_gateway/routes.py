"""Finds the operation of the OpenAPI document that answers a method and a path."""

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
    """Yield method (or `ANY`), path and operation of each operation in a document."""
    for path, item in document.get("paths", {}).items():
        for key, operation in item.items():
            if key in _METHODS:
                yield key.upper(), path, operation
            elif key == ANY_METHOD:
                yield "ANY", path, operation


class RouteTable(Generic[T]):
    """Routes to targets. The most specific path wins: constants before `{name}` before `{name+}`, as in API Gateway."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], T] = {}
        self._patterns: list[tuple[tuple[int, ...], re.Pattern[str], str]] = []

    def add(self, method: str, path: str, target: T) -> None:
        """Add the target of a method, or of `ANY`, and a path."""
        if not any(known == path for _, _, known in self._patterns):
            self._patterns.append((_rank(path), _pattern(path), path))
            self._patterns.sort(key=lambda entry: entry[0])
        self._routes[method, path] = target

    def __iter__(self) -> Iterator[T]:
        """Iterate over the targets."""
        return iter(self._routes.values())

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """Find a request's target, with the path's parameters as the client wrote them; None when there is none."""
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
    """The order of a path among others: by each of its segments, constants first."""
    ranks = []
    for segment in path.split("/")[1:]:
        if segment.endswith("+}"):
            ranks.append(2)
        elif segment.startswith("{"):
            ranks.append(1)
        else:
            ranks.append(0)
    return tuple(ranks)


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
