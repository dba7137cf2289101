"""Prompts that a model record holds, filled in with a client's variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import PromptFormatError

if TYPE_CHECKING:
    from .special_tokens import Defuser

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Piece(NamedTuple):
    """A stretch of a prompt: text, or what stands between double braces."""

    text: str
    is_variable: bool


def variable_names(prompt: Mapping[str, str | None]) -> list[str]:
    """The variables of a prompt `{"system": text or None, "user": text}`, in the order they first appear.

    Raises:
        PromptFormatError: something between double braces is not a variable's name.
    """
    names: dict[str, None] = {}  # a dict keeps the order
    for part in ("system", "user"):
        for piece in _pieces(prompt.get(part) or ""):
            if not piece.is_variable:
                continue
            name = piece.text.strip()
            # Any text between braces counts, so that a mistyped name is refused rather than left in the prompt.
            if not _NAME.fullmatch(name):
                raise PromptFormatError(
                    f"{{{{{piece.text}}}}} does not hold a variable's name.", param=f"prompt.{part}"
                )
            names[name] = None
    return list(names)


def render_prompt(
    prompt: Mapping[str, str | None], variables: Mapping[str, Any], defuser: Defuser | None = None
) -> list[dict[str, Any]]:
    """The messages of a prompt, with each variable's value in place of its name.

    >>> render_prompt({"system": None, "user": "Review {{ code }}"}, {"code": "class A {}"})
    [{'role': 'user', 'content': 'Review class A {}'}]

    Values are never read as a template; those that are not text go in as JSON. With a `defuser`, no value can write a
    control token, nor complete one that the prompt begins; those that the prompt itself writes stay.

    Raises:
        PromptFormatError: variables are missing, or are not the prompt's.
    """
    _check_names(variable_names(prompt), variables)
    messages = []
    for role in ("system", "user"):
        text = prompt.get(role)
        if text is not None:
            messages.append({"role": role, "content": _filled(text, variables, defuser)})
    return messages


def _filled(text: str, variables: Mapping[str, Any], defuser: Defuser | None) -> str:
    pieces = []
    for piece in _pieces(text):
        if not piece.is_variable:
            pieces.append((piece.text, True))
            continue
        value = variables[piece.text.strip()]
        if not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        pieces.append((value, False))
    if defuser is not None:
        return defuser.filled(pieces)
    return "".join([value for value, _ in pieces])


def _pieces(text: str) -> Iterator[_Piece]:
    """The text cut at its variables: each reaches from `{{` to the next `}}`."""
    position = 0
    while True:
        start = text.find("{{", position)
        end = text.find("}}", start + 2) if start >= 0 else -1
        if end < 0:
            yield _Piece(text[position:], is_variable=False)
            return
        yield _Piece(text[position:start], is_variable=False)
        yield _Piece(text[start + 2 : end], is_variable=True)
        position = end + 2


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
