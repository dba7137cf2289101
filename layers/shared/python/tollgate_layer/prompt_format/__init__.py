"""Messages to prompt and completion text to message: chat templates, special tokens, tool calls, reasoning.

Names are loaded when they are first used (PEP 562): a function that only reads completions
does not pay for the prompt formats when it starts cold, nor the other way round.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .builtin import BUILT_INS
    from .completion_parser import CompletionParser
    from .errors import PromptFormatError
    from .families import Family, family, opens_reasoning
    from .normalising import normalise
    from .pieces import Content, Piece, Reasoning, ToolArguments, ToolCall
    from .rendering import render
    from .special_tokens import neutralise

__all__ = [
    "BUILT_INS",
    "CompletionParser",
    "Content",
    "Family",
    "Piece",
    "PromptFormatError",
    "Reasoning",
    "ToolArguments",
    "ToolCall",
    "family",
    "neutralise",
    "normalise",
    "opens_reasoning",
    "render",
]

_NAMES = {
    "builtin": ("BUILT_INS",),
    "completion_parser": ("CompletionParser",),
    "errors": ("PromptFormatError",),
    "families": ("Family", "family", "opens_reasoning"),
    "normalising": ("normalise",),
    "pieces": ("Content", "Piece", "Reasoning", "ToolArguments", "ToolCall"),
    "rendering": ("render",),
    "special_tokens": ("neutralise",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value
