"""Messages to prompt, and completion text to message: chat templates, special tokens, tool calls, reasoning.

On the way to the model (`docs/chat_templates.md` explains each step):

    template = "qwen2.5"
    messages = neutralise(messages, template=template)  # and tools by `defuser(template).value`
    messages, tools = normalise(messages, template=template, tools=tools)
    prompt = render(messages, template=template, tools=tools)

On the way back:

    parser = CompletionParser(tool_calls=family(template).tool_calls, tools=tools or ())
    pieces = parser.feed(text) + parser.finish()

Each name is loaded when it is first used (PEP 562), because one function only makes prompts and another only reads
completions: neither pays for the other's modules when it starts cold.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # What type checkers and editors read. `as` marks the names as exported.
    from .builtin import BUILT_INS as BUILT_INS
    from .completeness import check_complete as check_complete
    from .completion_parser import CompletionParser as CompletionParser
    from .errors import PromptFormatError as PromptFormatError
    from .families import Family as Family
    from .families import family as family
    from .families import opens_reasoning as opens_reasoning
    from .normalising import normalise as normalise
    from .pieces import Content as Content
    from .pieces import Piece as Piece
    from .pieces import Reasoning as Reasoning
    from .pieces import ToolArguments as ToolArguments
    from .pieces import ToolCall as ToolCall
    from .rendering import render as render
    from .special_tokens import Defuser as Defuser
    from .special_tokens import defuser as defuser
    from .special_tokens import neutralise as neutralise

_MODULE_OF = {
    "BUILT_INS": "builtin",
    "CompletionParser": "completion_parser",
    "Content": "pieces",
    "Defuser": "special_tokens",
    "Family": "families",
    "Piece": "pieces",
    "PromptFormatError": "errors",
    "Reasoning": "pieces",
    "ToolArguments": "pieces",
    "ToolCall": "pieces",
    "check_complete": "completeness",
    "defuser": "special_tokens",
    "family": "families",
    "neutralise": "special_tokens",
    "normalise": "normalising",
    "opens_reasoning": "families",
    "render": "rendering",
}


def __getattr__(name: str) -> Any:
    """Load a public name. Python calls this only for names that the module does not have yet."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value
