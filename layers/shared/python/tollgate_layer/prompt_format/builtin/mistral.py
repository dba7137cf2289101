"""Mistral's instruction formats v1, v3 and v3-Tekken.

https://github.com/mistralai/cookbook/blob/main/concept-deep-dive/tokenization/chat_templates.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..conversation import Conversation, Message, Tool, content_text, first_role, to_json, trimmed
from ..errors import PromptFormatError


def mistral_v1(c: Conversation) -> str:
    """Mistral 7B v0.1 and v0.2, Mixtral: no tools; the system text opens the first user turn."""
    eos = c.special_tokens["eos_token"]
    start = 1 if first_role(c.messages) == "system" else 0
    system = content_text(c.messages, 0) + "\n\n" if start else ""
    parts = [c.special_tokens["bos_token"]]
    for index in range(start, len(c.messages)):
        role = c.messages[index].get("role")
        _check_turn(role, (index - start) % 2 == 0, index)
        if role == "user":
            parts.append(f" [INST] {system}{content_text(c.messages, index)} [/INST]")
            system = ""
        elif role == "assistant":
            parts.append(f" {content_text(c.messages, index)}{eos}")
        else:
            raise _unsupported_role(index)
    return "".join(parts)


def mistral_v3(c: Conversation) -> str:
    """Mistral 7B v0.3, Mistral Large 2407: SentencePiece, a space after each control token."""
    return _v3(c, space=" ")


def mistral_tekken(c: Conversation) -> str:
    """Mistral Nemo (v3-Tekken): as v3 without the spaces."""
    return _v3(c, space="")


def _v3(c: Conversation, *, space: str) -> str:
    start = 1 if first_role(c.messages) == "system" else 0
    _check_turns(c.messages, start)
    users = [message for message in c.messages[start:] if message.get("role") == "user"]
    parts = [c.special_tokens["bos_token"]]
    for index in range(start, len(c.messages)):
        message = c.messages[index]
        if message.get("role") != "user":
            parts.append(_answer_or_result(c, index, space))
            continue
        if c.tools is not None and message == users[-1]:
            parts.append(f"[AVAILABLE_TOOLS]{space}{_definitions(c.tools)}[/AVAILABLE_TOOLS]")
        content = content_text(c.messages, index)
        if start and index == len(c.messages) - 1:
            content = f"{content_text(c.messages, 0)}\n\n{content}"
        parts.append(f"[INST]{space}{content}[/INST]")
    return "".join(parts)


def _check_turns(messages: Sequence[Message], start: int) -> None:
    """User and assistant take turns; tool calls and their results do not count."""
    expects_user = True
    for index in range(start, len(messages)):
        message = messages[index]
        if message.get("role") in ("tool", "tool_results") or message.get("tool_calls") is not None:
            continue
        _check_turn(message.get("role"), expects_user, index)
        expects_user = not expects_user


def _check_turn(role: Any, expects_user: bool, index: int) -> None:
    if (role == "user") != expects_user:
        raise PromptFormatError(
            "after an optional system message, user and assistant messages must take turns, user first.",
            param=f"messages[{index}].role",
        )


def _unsupported_role(index: int) -> PromptFormatError:
    return PromptFormatError(
        "must be user or assistant after an optional first system message.", param=f"messages[{index}].role"
    )


def _answer_or_result(c: Conversation, index: int, space: str) -> str:
    message, eos = c.messages[index], c.special_tokens["eos_token"]
    role, calls = message.get("role"), message.get("tool_calls")
    if calls is not None:
        listed = ", ".join(_call(call, index) for call in calls)
        return f"[TOOL_CALLS]{space}[{listed}" + (f"]{eos}" if calls else "")
    if role == "assistant":
        # v3 trims what the assistant said; Tekken keeps it.
        content = trimmed(message.get("content", "")) if space else content_text(c.messages, index)
        return f"{space}{content}{eos}"
    if role not in ("tool", "tool_results"):
        raise _unsupported_role(index)
    call_id = _call_id(message.get("tool_call_id"), f"messages[{index}].tool_call_id")
    content = message.get("content", "")
    if isinstance(content, Mapping):
        content = content.get("content", content)
    return f'[TOOL_RESULTS]{space}{{"content": {content}, "call_id": "{call_id}"}}[/TOOL_RESULTS]'


def _call(call: Mapping[str, Any], index: int) -> str:
    call_id = _call_id(call.get("id"), f"messages[{index}].tool_calls")
    return f'{to_json(call["function"])[:-1]}, "id": "{call_id}"}}'


def _call_id(call_id: Any, param: str) -> str:
    if not isinstance(call_id, str) or len(call_id) != 9:
        raise PromptFormatError(f"call ids must have exactly 9 characters, not {call_id!r}.", param=param)
    return call_id


def _definitions(tools: Sequence[Tool]) -> str:
    listed = ", ".join(_definition(tool["function"]) for tool in tools)
    return f"[{listed}]" if tools else "["


def _definition(function: Mapping[str, Any]) -> str:
    """A tool's JSON, in which the family leaves strings unescaped."""
    fields = ", ".join(
        f'"{key}": "{value}"' if isinstance(value, str) else f'"{key}": {to_json(value)}'
        for key, value in function.items()
        if key != "return"
    )
    return f'{{"type": "function", "function": {{{fields}}}}}'
