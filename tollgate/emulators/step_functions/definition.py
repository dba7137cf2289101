"""Loads a state machine and refuses, by name, what the interpreter does not implement."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate.emulators.step_functions.expressions import compile_expression, is_expression
from tollgate.stack.definitions import DefinitionError, refuse_others

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPRESS_LIMIT_S = 300.0
STANDARD_LIMIT_S = 365 * 24 * 3600.0

_TOP_FIELDS = {"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"}
_COMMON_FIELDS = {"Type", "Comment", "QueryLanguage", "Assign", "Output"}
_NEXT_FIELDS = {"Next", "End"}
# Every field that the interpreter acts upon, by type of state. Map and Parallel are not among them.
_FIELDS = {
    "Choice": _COMMON_FIELDS | {"Choices", "Default"},
    "Fail": {"Type", "Comment", "QueryLanguage", "Error", "Cause"},
    "Pass": _COMMON_FIELDS | _NEXT_FIELDS,
    "Succeed": {"Type", "Comment", "QueryLanguage", "Output"},
    "Task": _COMMON_FIELDS | _NEXT_FIELDS | {"Arguments", "Catch", "Resource", "Retry", "TimeoutSeconds"},
    "Wait": _COMMON_FIELDS | _NEXT_FIELDS | {"Seconds", "Timestamp"},
}
_NESTED_FIELDS = {
    "Catch": {"ErrorEquals", "Next", "Assign", "Output", "Comment"},
    "Choices": {"Condition", "Next", "Assign", "Output", "Comment"},
    "Retry": {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds",
              "JitterStrategy", "Comment"},
}  # fmt: skip
_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9]+)\}")


@dataclass(frozen=True, slots=True)
class StateMachineDefinition:
    """A definition that uses only what the interpreter implements."""

    start_at: str
    states: dict[str, dict[str, Any]]
    timeout_s: float


def load_definition(
    text: str, substitutions: dict[str, Any], resources: set[str], place: str, limit_s: float = EXPRESS_LIMIT_S
) -> StateMachineDefinition:
    """Substitute and check a definition.

    Args:
        text: the definition as JSON.
        substitutions: values of `${Name}` in it.
        resources: the task resources that can be run.
        place: the definition's name in messages.
        limit_s: the longest that an execution may take, whatever the definition says.

    Raises:
        DefinitionError: the definition is broken or uses what is not implemented; the message names the state.
    """
    definition = json.loads(_substitute(text, substitutions, place))
    refuse_others(definition, _TOP_FIELDS, place)
    if definition.get("QueryLanguage") != "JSONata":
        raise DefinitionError(place, "QueryLanguage must be JSONata; JSONPath is not implemented by the local runner")
    states = definition.get("States", {})
    _known_state(definition.get("StartAt"), states, f"{place}: StartAt")
    for name, state in states.items():
        _check_state(state, states, resources, f"{place}: state {name}")
    limit = min(float(definition.get("TimeoutSeconds", limit_s)), limit_s)
    return StateMachineDefinition(definition["StartAt"], states, limit)


def _substitute(text: str, substitutions: dict[str, Any], place: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match.group(1) not in substitutions:
            raise DefinitionError(place, f"{match.group()} has no entry in DefinitionSubstitutions")
        return json.dumps(str(substitutions[match.group(1)]))[1:-1]

    return _SUBSTITUTION.sub(value, text)


def _check_state(state: dict[str, Any], states: dict[str, Any], resources: set[str], place: str) -> None:
    kind = state.get("Type")
    if kind not in _FIELDS:
        implemented = ", ".join(sorted(_FIELDS))
        raise DefinitionError(place, f"the type {kind!r} is not implemented by the local runner; it runs {implemented}")
    if state.get("QueryLanguage", "JSONata") != "JSONata":
        raise DefinitionError(place, "JSONPath is not implemented by the local runner")
    refuse_others(state, _FIELDS[kind], place)
    for field, allowed in _NESTED_FIELDS.items():
        for index, entry in enumerate(state.get(field, [])):
            refuse_others(entry, allowed, f"{place}: {field}[{index}]")
    if kind == "Task" and state.get("Resource") not in resources:
        implemented = ", ".join(sorted(resources))
        raise DefinitionError(
            place,
            f"the resource {state.get('Resource')!r} is not implemented by the local runner; it runs {implemented}",
        )
    if kind not in ("Choice", "Fail", "Succeed") and ("Next" in state) == bool(state.get("End")):
        raise DefinitionError(place, "needs either Next or End")
    for target in _transitions(state):
        _known_state(target, states, place)
    for expression in _expressions(state):
        try:
            compile_expression(expression)
        except ValueError as error:
            raise DefinitionError(place, str(error)) from error


def _known_state(name: Any, states: dict[str, Any], place: str) -> None:
    if name not in states:
        raise DefinitionError(place, f"goes to {name!r}, which is no state")


def _transitions(state: dict[str, Any]) -> Iterator[Any]:
    for field in ("Next", "Default"):
        if field in state:
            yield state[field]
    for field in ("Choices", "Catch"):
        for entry in state.get(field, []):
            yield entry.get("Next")


def _expressions(node: Any) -> Iterator[str]:
    if is_expression(node):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _expressions(value)
