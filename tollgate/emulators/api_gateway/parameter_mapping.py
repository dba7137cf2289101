"""Maps `responseParameters`: an answer's headers, from constants, `$context`, the request or the integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.mapping_templates.variables import select
from tollgate.emulators.api_gateway.messages import ApiRequest, ApiResponse, look_up
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCES = re.compile(
    r"'(?P<constant>[^']*)'"
    r"|context\.(?P<context>[\w.-]+)"
    r"|method\.request\.(?P<place>header|querystring|path)\.(?P<parameter>[\w-]+)"
    r"|integration\.response\.header\.(?P<header>[\w-]+)"
    r"|integration\.response\.body\.(?P<body>.+)"
)


class ParameterMapping:
    """The headers to set, each with the source of its value. Every target begins with `prefix`.

    Raises:
        DefinitionError: a target or a source has another form.
    """

    def __init__(self, definitions: Mapping[str, str], prefix: str, place: str) -> None:
        self._sources: dict[str, re.Match[str]] = {}
        for target, source in definitions.items():
            match = _SOURCES.fullmatch(source)
            if not target.startswith(prefix) or match is None:
                problem = f"the mapping {target}: {source} is not implemented by the local runner"
                raise DefinitionError(place, problem)
            self._sources[target.removeprefix(prefix)] = match

    def apply(
        self,
        response: ApiResponse,
        request: ApiRequest,
        context: dict[str, Any],
        answer: ApiResponse | None = None,
    ) -> None:
        """Set the headers whose source has a value; `answer` is the integration's, if there is one."""
        for name, source in self._sources.items():
            value = _value(source, request, context, answer)
            if value:
                response.set_header(name, value)


def _value(
    source: re.Match[str], request: ApiRequest, context: dict[str, Any], answer: ApiResponse | None
) -> str | None:
    found = source.groupdict()
    if found["constant"] is not None:
        return str(found["constant"])
    if found["context"] is not None:
        return look_up(context, found["context"])
    if found["place"] is not None:
        parameters: Mapping[str, str] = getattr(request.parameters(), found["place"])
        return _find(parameters, found["parameter"])
    if answer is None:
        return None
    if found["header"] is not None:
        return _find(answer.headers, found["header"])
    return _text(select(json.loads(answer.body), "$." + found["body"]))


def _find(values: Mapping[str, str], wanted: str) -> str | None:
    """The value of a name, whatever its case."""
    for name, value in values.items():
        if name.lower() == wanted.lower():
            return value
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))
