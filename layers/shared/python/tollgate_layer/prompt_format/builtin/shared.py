"""What the built-in formats share: reading a message's parts with an error that names the message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PromptFormatError
from ..template_input import Message


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON as chat templates write it: Python's separators, no ASCII or HTML escaping."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def content_text(messages: Sequence[Message], index: int) -> str:
    """The text of message `index`. Raises PromptFormatError where the content is anything but a string."""
    content = messages[index].get("content")
    if not isinstance(content, str):
        raise PromptFormatError(
            f"must be text for this model, not {kind_of(content)}.", param=f"messages[{index}].content"
        )
    return content


def role_text(messages: Sequence[Message], index: int) -> str:
    """The role of message `index`. Raises PromptFormatError where it is not a string."""
    role = messages[index].get("role")
    if not isinstance(role, str):
        raise PromptFormatError(f"must be a string, not {kind_of(role)}.", param=f"messages[{index}].role")
    return role


def begins_with_system(messages: Sequence[Message]) -> bool:
    """Whether the first message is a system message. Raises PromptFormatError when there is no message."""
    if not messages:
        raise PromptFormatError("must hold at least one message.", param="messages")
    return messages[0].get("role") == "system"


def trimmed(content: Any) -> str:
    """Content as Jinja's `trim` filter gives it: without surrounding white space, whatever its type."""
    return str(content).strip()


def function_of(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function inside OpenAI's `{"type": "function", "function": {...}}`, or the bare function itself."""
    function: Mapping[str, Any] = tool.get("function", tool)
    return function


def kind_of(value: Any) -> str:
    """A JSON value's type in the words of an error message."""
    if value is None:
        return "null"
    if isinstance(value, bool):  # before numbers: True is an int
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return type(value).__name__
