"""Prompts that a model record holds, filled in with a client's variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import PromptFormatError

_VARIABLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def variable_names(prompt: Mapping[str, str | None]) -> list[str]:
    """The variables of a prompt `{"system": text or None, "user": text}`, in the order they first appear.

    Raises:
        PromptFormatError: something between double braces is not a variable's name.
    """
    names: dict[str, None] = {}
    for part in ("system", "user"):
        for found in _VARIABLE.finditer(prompt.get(part) or ""):
            if not _NAME.fullmatch(found.group(1)):
                raise PromptFormatError(f"{found.group()} does not hold a variable's name.", param=f"prompt.{part}")
            names[found.group(1)] = None
    return list(names)


def render_prompt(prompt: Mapping[str, str | None], variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of a prompt `{"system": text or None, "user": "Review {{ code }}"}`.

    Values go in as they are and are never read as a template; those that are not text go in as JSON.

    Raises:
        PromptFormatError: variables are missing, or are not the prompt's.
    """
    names = variable_names(prompt)
    _check(missing=set(names) - set(variables), unknown=set(variables) - set(names), names=names)

    def value(found: re.Match[str]) -> str:
        given = variables[found.group(1)]
        return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)

    return [
        {"role": role, "content": _VARIABLE.sub(value, text)}
        for role in ("system", "user")
        if (text := prompt.get(role)) is not None
    ]


def _check(*, missing: Iterable[str], unknown: Iterable[str], names: list[str]) -> None:
    faults = [f"{_listed(missing)} missing"] if missing else []
    faults += [f"{_listed(unknown)} not known"] if unknown else []
    if faults:
        takes = f"takes {', '.join(names)}" if names else "takes none"
        raise PromptFormatError(f"{' and '.join(faults)}; this model's prompt {takes}.", param="variables")


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(map(repr, ordered)) + (" is" if len(ordered) == 1 else " are")
