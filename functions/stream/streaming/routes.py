"""Finds the dialect of a request's route, and what the route says beside the body."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from streaming.asgi import Scope
from tollgate_layer.inference.request import GIVEN_HEADERS
from tollgate_layer.inference.schemas import read_generated

ROUTES: dict[str, str] = read_generated("stream_routes")
"""A path, perhaps with `{model}` in it → the dialect that is spoken there, as api/contract.yaml says."""
_MODEL = "{model}"


class Route(NamedTuple):
    """The dialect of a route; `given` is empty where the body says everything."""

    dialect: str
    given: dict[str, str]


def find_route(scope: Scope) -> Route | None:
    """The route of a request; None where there is none.

    A custom domain may put a base path of its own before the API's, so a path is looked for at the end.
    """
    path: str = scope["path"]
    fixed = ROUTES.get(path[path.rfind("/stream/v1/") :])
    if fixed is not None:
        return Route(fixed, {})
    for pattern, dialect in ROUTES.items():
        if _MODEL not in pattern:
            continue
        before, _, after = pattern.partition(_MODEL)
        start = path.rfind(before)
        if start >= 0 and path.endswith(after):
            model = path[start + len(before) : len(path) - len(after)]
            return Route(dialect, {"model": unquote(model), **_given(scope)})
    return None


def _given(scope: Scope) -> dict[str, str]:
    """What the headers say."""
    names = {header.lower().encode(): name for name, header in GIVEN_HEADERS.items()}
    given = {}
    for header, value in scope["headers"]:
        if header in names:
            given[names[header]] = value.decode("latin-1")
    return given
