"""Resolves CloudFormation's intrinsic functions to the names that resources have on this machine.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")
_NO_VALUE = object()


class Scope(Protocol):
    """The names that intrinsic functions refer to; each method raises KeyError for an unknown one."""

    file: str

    def ref(self, name: str) -> Any: ...
    def attribute(self, name: str, attribute: str) -> Any: ...
    def mapping(self, name: str) -> dict[str, Any]: ...
    def condition(self, name: str) -> Any: ...


class Resolver:
    """Replaces every intrinsic function in a piece of a template by its value."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._functions: dict[str, Callable[[Any, str], Any]] = {
            "Ref": lambda argument, place: self._ref(argument, place),
            "Condition": lambda argument, place: self.resolve(scope.condition(argument), f"Conditions.{argument}"),
            "Fn::And": lambda argument, place: all(self._list(argument, place)),
            "Fn::Equals": self._equals,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_attribute,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Not": lambda argument, place: not self._list(argument, place)[0],
            "Fn::Or": lambda argument, place: any(self._list(argument, place)),
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._substitute,
        }

    def resolve(self, node: Any, place: str) -> Any:
        """Replace every function in a piece of a template; `place` is its path there, for messages.

        Raises:
            DefinitionError: a function is not implemented, or a name is unknown.
        """
        value = self._resolve(node, place)
        return None if value is _NO_VALUE else value

    def _resolve(self, node: Any, place: str) -> Any:
        if isinstance(node, str):
            if dynamic := _DYNAMIC_REFERENCE.search(node):
                raise self._error(place, f"the dynamic reference {dynamic.group()} cannot be resolved locally")
            return node
        if isinstance(node, list):
            items = (self._resolve(item, f"{place}[{index}]") for index, item in enumerate(node))
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            # `Condition` is a function only where a string names it; policies have a key of that name too.
            if name in self._functions and (name != "Condition" or isinstance(argument, str)):
                return self._call(name, argument, place)
            if isinstance(name, str) and name.startswith("Fn::"):
                raise self._error(place, f"{name} is not implemented by the local runner")
        values = {key: self._resolve(value, f"{place}.{key}") for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not _NO_VALUE}

    def _call(self, name: str, argument: Any, place: str) -> Any:
        try:
            return self._functions[name](argument, place)
        except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"{name} of {argument!r} cannot be resolved: {type(error).__name__} {error}"
            raise self._error(place, problem) from error

    def _error(self, place: str, problem: str) -> DefinitionError:
        return DefinitionError(f"{self._scope.file}: {place}", problem)

    def _list(self, argument: Any, place: str) -> list[Any]:
        value = self.resolve(argument, place)
        if not isinstance(value, list):
            raise self._error(place, f"a list is wanted, not {value!r}")
        return value

    def _ref(self, name: str, place: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        try:
            return self._scope.ref(name)
        except KeyError:
            raise self._error(place, f"Ref names {name!r}, which is no parameter and no resource") from None

    def _get_attribute(self, argument: str | list[str], place: str) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        try:
            return self._scope.attribute(name, attribute)
        except KeyError:
            raise self._error(place, f"GetAtt {name}.{attribute} is not known to the local runner") from None

    def _substitute(self, argument: str | list[Any], place: str) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name.startswith("!"):  # `${!Name}` is CloudFormation's way to write a literal `${Name}`
                return "${" + name[1:] + "}"
            if name in variables:
                return str(self.resolve(variables[name], place))
            if "." in name:
                return str(self._get_attribute(name, place))
            return str(self._ref(name, place))

        return _PLACEHOLDER.sub(value, text)

    def _join(self, argument: list[Any], place: str) -> str:
        delimiter, items = argument
        return str(delimiter).join(str(item) for item in self._list(items, place))

    def _select(self, argument: list[Any], place: str) -> Any:
        index, items = argument
        return self._list(items, place)[int(self.resolve(index, place))]

    def _split(self, argument: list[Any], place: str) -> list[str]:
        delimiter, text = argument
        return str(self.resolve(text, place)).split(delimiter)

    def _if(self, argument: list[Any], place: str) -> Any:
        name, yes, no = argument
        chosen = self.resolve(self._scope.condition(name), f"Conditions.{name}")
        return self._resolve(yes if chosen else no, place)

    def _equals(self, argument: list[Any], place: str) -> bool:
        left, right = self._list(argument, place)
        return str(left) == str(right)

    def _find_in_map(self, argument: list[Any], place: str) -> Any:
        name, first, second = self._list(argument, place)
        return self._scope.mapping(name)[str(first)][str(second)]
