"""Prompts that a model record holds, filled in with a client's variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import PromptFormatError

# Any text between braces, so that a mistyped name is refused rather than left in the prompt.
_VARIABLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def variable_names(prompt: Mapping[str, str | None]) -> list[str]:
    """The variables of a prompt `{"system": text or None, "user": text}`, in the order they first appear.

    Raises:
        PromptFormatError: something between double braces is not a variable's name.
    """
    names: list[str] = []
    for part in ("system", "user"):
        for found in _VARIABLE.finditer(prompt.get(part) or ""):
            name = found.group(1)
            if not _NAME.fullmatch(name):
                raise PromptFormatError(f"{found.group()} does not hold a variable's name.", param=f"prompt.{part}")
            if name not in names:
                names.append(name)
    return names


def render_prompt(prompt: Mapping[str, str | None], variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of a prompt, with each variable's value in place of its name.

    >>> render_prompt({"system": None, "user": "Review {{ code }}"}, {"code": "class A {}"})
    [{'role': 'user', 'content': 'Review class A {}'}]

    Values go in as they are and are never read as a template; those that are not text go in as JSON.

    Raises:
        PromptFormatError: variables are missing, or are not the prompt's.
    """
    _check_names(variable_names(prompt), variables)

    def value(found: re.Match[str]) -> str:
        given = variables[found.group(1)]
        if isinstance(given, str):
            return given
        return json.dumps(given, ensure_ascii=False)

    messages = []
    for role in ("system", "user"):
        text = prompt.get(role)
        if text is not None:
            messages.append({"role": role, "content": _VARIABLE.sub(value, text)})
    return messages


def _check_names(names: Sequence[str], variables: Mapping[str, Any]) -> None:
    """Raises PromptFormatError unless exactly the prompt's variables are given."""
    missing = sorted(set(names) - set(variables))
    unknown = sorted(set(variables) - set(names))
    faults = []
    if missing:
        faults.append(f"{_listed(missing)} missing")
    if unknown:
        faults.append(f"{_listed(unknown)} not known")
    if faults:
        takes = ", ".join(names) or "none"
        raise PromptFormatError(f"{' and '.join(faults)}; this model's prompt takes {takes}.", param="variables")


def _listed(names: Sequence[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"{', '.join(map(repr, names))} {verb}"
