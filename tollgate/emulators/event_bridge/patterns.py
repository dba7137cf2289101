"""Event patterns: which events a rule is about.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

from typing import Any

_OPERATORS = ("prefix", "suffix", "anything-but", "exists")


def matches(pattern: Any, event: Any) -> bool:
    """Whether an event has what a pattern asks for: every field of it, with one of the values that are listed.

    Raises:
        ValueError: the pattern has an operator that is not implemented.
    """
    if not isinstance(event, dict):
        return False
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            if not matches(wanted, event.get(name)):
                return False
        elif not _one_fits(wanted, event.get(name)):
            return False
    return True


def _one_fits(wanted: list[Any], value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(_fits(one, found) for one in wanted for found in values)


def _fits(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(wanted == value)
    ((operator, operand),) = wanted.items()
    if operator not in _OPERATORS:
        raise ValueError(f"the operator {operator!r} is not implemented by the local runner")
    if operator == "exists":
        return (value is not None) == bool(operand)
    if operator == "anything-but":
        refused = operand if isinstance(operand, list) else [operand]
        return bool(value not in refused)
    if not isinstance(value, str):
        return False
    return bool(value.startswith(operand) if operator == "prefix" else value.endswith(operand))
