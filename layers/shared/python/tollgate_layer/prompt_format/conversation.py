"""What one rendering is made of, and the helpers that every built-in format shares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import PromptFormatError

if TYPE_CHECKING:
    from datetime import datetime

Message = Mapping[str, Any]
Tool = Mapping[str, Any]


class Conversation(NamedTuple):
    """A conversation and everything that a template may look at beside it."""

    messages: Sequence[Message]
    tools: Sequence[Tool] | None
    special_tokens: Mapping[str, Any]
    add_generation_prompt: bool
    now: datetime | None
    variables: Mapping[str, Any]

    def strftime_now(self, form: str) -> str:
        """The request's time; the clock only where the caller gave none."""
        if self.now is not None:
            return self.now.strftime(form)
        from datetime import datetime

        return datetime.now().strftime(form)  # noqa: DTZ005 - templates print the local date, as in transformers


def token_texts(special_tokens: Mapping[str, Any] | None) -> dict[str, Any]:
    """Special tokens as a tokenizer_config.json has them: texts, objects with the text in `content`, lists, or null."""
    texts = {name: _token_text(token) for name, token in (special_tokens or {}).items()}
    return {name: text for name, text in texts.items() if text is not None}


def _token_text(token: Any) -> Any:
    if isinstance(token, list):
        return [_token_text(one) for one in token]
    return token.get("content") if isinstance(token, dict) else token


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON as chat templates write it: Python's separators, no ASCII or HTML escaping."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def content_text(messages: Sequence[Message], index: int) -> str:
    """The text of message `index`. Raises PromptFormatError where the content is anything but a string."""
    content = messages[index].get("content")
    if not isinstance(content, str):
        raise PromptFormatError(
            f"must be text for this model, not {_kind(content)}.", param=f"messages[{index}].content"
        )
    return content


def role_text(messages: Sequence[Message], index: int) -> str:
    """The role of message `index`. Raises PromptFormatError where it is not a string."""
    role = messages[index].get("role")
    if not isinstance(role, str):
        raise PromptFormatError(f"must be a string, not {_kind(role)}.", param=f"messages[{index}].role")
    return role


def trimmed(content: Any) -> str:
    """Content as Jinja's `trim` filter gives it: without surrounding whitespace, whatever its type."""
    return str(content).strip()


def first_role(messages: Sequence[Message]) -> str:
    """The role that opens the conversation. Raises PromptFormatError when there is no message."""
    if not messages:
        raise PromptFormatError("must hold at least one message.", param="messages")
    return str(messages[0].get("role"))


def function_of(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function inside OpenAI's `{"type": "function", "function": {...}}`, or the bare function itself."""
    function: Mapping[str, Any] = tool.get("function", tool)
    return function


def _kind(value: Any) -> str:
    names = {type(None): "null", list: "a list", dict: "an object", bool: "a boolean"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
