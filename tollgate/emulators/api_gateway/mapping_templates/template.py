"""Compiles and renders one mapping template."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.mapping_templates import velocity
from tollgate.emulators.api_gateway.mapping_templates.java import JavaMap, java_string, to_java
from tollgate.emulators.api_gateway.mapping_templates.variables import Input, InvalidBodyError, Parameters, Util
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Directives that airspeed lacks or that API Gateway forbids, and calls of macros; another `#word` is text.
_FOREIGN = re.compile(
    r"#\{?(?:break|define|evaluate|include|macro|parse|return|stop)\b|#\[\[|#(?!set|if|elseif|foreach)[a-z]\w*\("
)
_MEMBER = re.compile(r"\$!?\{?(input|util)\.(\w+)")
_MEMBERS = {
    "input": {"body", "json", "params", "path"},
    "util": {name for name in vars(Util) if name[0] != "_"},
}


class MappingError(Exception):
    """Raised when a template fails on a request: API Gateway answers 500."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of a rendered template, and the status and headers that it set on `$context.responseOverride`."""

    text: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class MappingTemplate:
    """One compiled template; `place` names it in messages.

        template = MappingTemplate('{"name": "$input.path(\'$.name\')"}', "POST /run")
        template.render('{"name": "x"}', Parameters(), context={}).text   # {"name": "x"}

    Raises:
        DefinitionError: the template cannot be parsed, or uses a directive or function that is not implemented.
    """

    def __init__(self, source: str, place: str) -> None:
        _refuse_unknown(source, place)
        self._place = place
        self._template = velocity.Template(source, place)
        try:
            self._template.ensure_compiled()
        except velocity.TemplateError as error:
            raise DefinitionError(place, f"the mapping template cannot be parsed: {error}") from error

    def render(
        self,
        body: str,
        parameters: Parameters,
        context: Mapping[str, Any],
        stage: Mapping[str, str] | None = None,
    ) -> Rendered:
        """Render the template for one request, or for one answer of an integration.

        Raises:
            InvalidBodyError: the template reads the body as JSON, but it is not JSON.
            MappingError: the template fails for another reason.
        """
        override = JavaMap(header=JavaMap())
        names = {
            "input": Input(body, parameters),
            "util": Util(),
            "context": JavaMap(to_java(dict(context)), responseOverride=override),
            "stageVariables": to_java(dict(stage or {})),
        }
        try:
            text: str = self._template.merge(names)
        except velocity.TemplateExecutionError as error:
            cause = error.__cause__
            if isinstance(cause, InvalidBodyError):
                raise cause from error
            raise MappingError(f"{self._place}: {error}") from error
        return _rendered(text, override)


def _rendered(text: str, override: JavaMap) -> Rendered:
    headers = {name: java_string(value) for name, value in override["header"].items()}
    status = override.get("status")
    return Rendered(text, None if status is None else int(status), headers)


def _refuse_unknown(source: str, place: str) -> None:
    code = re.sub(r"##.*", "", re.sub(r"#\*.*?\*#", "", source, flags=re.DOTALL))
    if foreign := _FOREIGN.search(code):
        raise DefinitionError(place, f"{foreign.group()} is not implemented by the local runner")
    for variable, member in _MEMBER.findall(code):
        if member not in _MEMBERS[variable]:
            raise DefinitionError(place, f"${variable}.{member} is not implemented by the local runner")
