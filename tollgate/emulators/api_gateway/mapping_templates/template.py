"""Compiles and renders one mapping template on airspeed, which implements Velocity's language."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import airspeed
from airspeed import operators

from tollgate.emulators.api_gateway.mapping_templates.java import METHODS, JavaMap, java_string, to_java
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
    """When a template fails on a request: API Gateway answers 500."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text, and what the template set on `$context.responseOverride`."""

    text: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class MappingTemplate:
    """One template; `place` names it in messages.

    Raises:
        DefinitionError: it cannot be parsed, or uses a directive or function that is not implemented.
    """

    def __init__(self, source: str, place: str) -> None:
        _refuse_unknown(source, place)
        self._place = place
        self._template = airspeed.Template(source, place)
        try:
            self._template.ensure_compiled()
        except airspeed.TemplateError as error:
            raise DefinitionError(place, f"the mapping template cannot be parsed: {error}") from error

    def render(
        self,
        body: str,
        parameters: Parameters,
        context: Mapping[str, Any],
        stage: Mapping[str, str] | None = None,
    ) -> Rendered:
        """Render for one request, or for one answer of an integration.

        Raises:
            InvalidBodyError: the template reads the body as JSON, and it is none.
            MappingError: anything else that fails.
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
        except airspeed.TemplateExecutionError as error:
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


def _install_java_semantics() -> None:
    """Make airspeed call Java's methods and print null as API Gateway does.

    A method call looks at the methods before the map's keys: a request body with a key named `get` must not
    hide Map.get. A reference without value renders as nothing. A line that ends in #else or #foreach(…) has no line
    break of its own, as one that ends in #if(…) or #end has none in airspeed already.
    """
    operators.ElseBlock.START = re.compile(r"#(?:else|\{else\})(?:[ \t]*\r?\n)?(.*)$", re.DOTALL | re.IGNORECASE)
    operators.ForeachDirective.CLOSE_PAREN = re.compile(r"[ \t]*\)(?:[ \t]*\r?\n)?(.*)$", re.DOTALL)
    operators.__additional_methods__.clear()
    operators.__additional_methods__.update(METHODS)
    calculate_name = operators.NameOrCall.calculate
    calculate_variable = operators.VariableExpression.calculate

    def name_or_call(self: Any, current: Any, loader: Any, namespace: Any) -> Any:
        method = METHODS.get(type(current), {}).get(self.name)
        if self.parameters is not None and method is not None:
            return method(current, *self.parameters.calculate(namespace, loader))
        return calculate_name(self, current, loader, namespace)

    def variable(self: Any, namespace: Any, loader: Any, global_namespace: Any = None) -> Any:
        value = calculate_variable(self, namespace, loader, global_namespace)
        return "" if value is None else value

    operators.NameOrCall.calculate = name_or_call
    operators.VariableExpression.calculate = variable


_install_java_semantics()
