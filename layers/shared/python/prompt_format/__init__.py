"""Messages to prompt and completion text to message: chat templates, special tokens, tool calls, reasoning."""

from .builtin import BUILT_INS
from .completion_parser import CompletionParser
from .errors import PromptFormatError
from .families import Family, family, opens_reasoning
from .normalising import normalise
from .pieces import Content, Piece, Reasoning, ToolArguments, ToolCall
from .render import render
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
