"""Mistral's instruction formats v1, v3 and v3-Tekken.

https://github.com/mistralai/cookbook/blob/main/concept-deep-dive/tokenization/chat_templates.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PromptFormatError
from ..template_input import Message, TemplateInput, Tool
from .shared import begins_with_system, content_text, to_json, trimmed

# Characters of all offers of tools in one prompt: far more than any model's context holds.
_MOST_OFFERED = 16_000_000


def mistral_v1(inputs: TemplateInput) -> str:
    """Mistral 7B v0.1 and v0.2, Mixtral: no tools; the system text opens the first user turn."""
    messages = inputs.messages
    eos = inputs.special_tokens["eos_token"]
    system = ""
    start = 0
    if begins_with_system(messages):
        system = content_text(messages, 0) + "\n\n"
        start = 1
    parts = [inputs.special_tokens["bos_token"]]
    for index in range(start, len(messages)):
        role = messages[index].get("role")
        _check_turn(role, index, expects_user=(index - start) % 2 == 0)
        if role == "user":
            parts.append(f" [INST] {system}{content_text(messages, index)} [/INST]")
            system = ""
        elif role == "assistant":
            parts.append(f" {content_text(messages, index)}{eos}")
        else:
            raise _unsupported_role(index)
    return "".join(parts)


def mistral_v3(inputs: TemplateInput) -> str:
    """Mistral 7B v0.3, Mistral Large 2407: SentencePiece, a space after each control token."""
    return _v3(inputs, space=" ")


def mistral_tekken(inputs: TemplateInput) -> str:
    """Mistral Nemo (v3-Tekken): as v3 without the spaces."""
    return _v3(inputs, space="")


def _v3(inputs: TemplateInput, *, space: str) -> str:
    messages = inputs.messages
    has_system = begins_with_system(messages)
    start = 1 if has_system else 0
    _check_turns(messages, start)
    last_user = None
    for message in messages[start:]:
        if message.get("role") == "user":
            last_user = message
    offer = ""
    if inputs.tools is not None:
        offer = f"[AVAILABLE_TOOLS]{space}{_definitions(inputs.tools)}[/AVAILABLE_TOOLS]"
    offered_characters = 0
    parts = [inputs.special_tokens["bos_token"]]
    for index in range(start, len(messages)):
        message = messages[index]
        if message.get("role") != "user":
            parts.append(_answer_or_result(inputs, index, space))
            continue
        # Equal to the last user message, not only the last itself: the family's template compares messages, so
        # a question that is asked twice shows the tools twice.
        if offer and message == last_user:
            offered_characters += len(offer)
            if offered_characters > _MOST_OFFERED:
                raise PromptFormatError("too many, and shown with each of too many equal questions.", param="tools")
            parts.append(offer)
        content = content_text(messages, index)
        # The system text stands right before the question at hand, and nowhere if a tool result is last.
        if has_system and index == len(messages) - 1:
            content = f"{content_text(messages, 0)}\n\n{content}"
        parts.append(f"[INST]{space}{content}[/INST]")
    return "".join(parts)


def _check_turns(messages: Sequence[Message], start: int) -> None:
    """User and assistant take turns; tool calls and their results do not count."""
    expects_user = True
    for index in range(start, len(messages)):
        message = messages[index]
        if message.get("role") in ("tool", "tool_results") or message.get("tool_calls") is not None:
            continue
        _check_turn(message.get("role"), index, expects_user=expects_user)
        expects_user = not expects_user


def _check_turn(role: Any, index: int, *, expects_user: bool) -> None:
    if (role == "user") != expects_user:
        raise PromptFormatError(
            "after an optional system message, user and assistant messages must take turns, user first.",
            param=f"messages[{index}].role",
        )


def _unsupported_role(index: int) -> PromptFormatError:
    return PromptFormatError(
        "must be user or assistant after an optional first system message.", param=f"messages[{index}].role"
    )


def _answer_or_result(inputs: TemplateInput, index: int, space: str) -> str:
    message, eos = inputs.messages[index], inputs.special_tokens["eos_token"]
    role, calls = message.get("role"), message.get("tool_calls")
    if calls is not None:
        return f"[TOOL_CALLS]{space}{_calls(calls, index, eos)}"
    if role == "assistant":
        if space:
            content = trimmed(message.get("content", ""))  # v3 trims what the assistant said; Tekken keeps it
        else:
            content = content_text(inputs.messages, index)
        return f"{space}{content}{eos}"
    if role not in ("tool", "tool_results"):
        raise _unsupported_role(index)
    call_id = _checked_id(message.get("tool_call_id"), f"messages[{index}].tool_call_id")
    content = message.get("content", "")
    # The family's template also reads a result that is wrapped once more.
    if isinstance(content, Mapping):
        content = content.get("content", content)
    return f'[TOOL_RESULTS]{space}{{"content": {content}, "call_id": "{call_id}"}}[/TOOL_RESULTS]'


def _calls(calls: Sequence[Mapping[str, Any]], index: int, eos: str) -> str:
    if not calls:
        return "["  # the family's template closes the list and the turn behind the last call only
    listed = []
    for call in calls:
        call_id = _checked_id(call.get("id"), f"messages[{index}].tool_calls")
        function = to_json(call["function"])
        # The id stands in the function's own JSON object, as its last field.
        listed.append(f'{function[:-1]}, "id": "{call_id}"}}')
    return f"[{', '.join(listed)}]{eos}"


def _checked_id(call_id: Any, param: str) -> str:
    if not isinstance(call_id, str) or len(call_id) != 9:
        raise PromptFormatError(f"call ids must have exactly 9 characters, not {call_id!r}.", param=param)
    return call_id


def _definitions(tools: Sequence[Tool]) -> str:
    if not tools:
        return "["  # as with calls: the list is closed behind its last item
    listed = []
    for tool in tools:
        fields = []
        for name, value in tool["function"].items():
            if name == "return":
                continue
            # The family leaves strings unescaped. `normalise` escapes them where that would break the JSON.
            written = f'"{value}"' if isinstance(value, str) else to_json(value)
            fields.append(f'"{name}": {written}')
        listed.append(f'{{"type": "function", "function": {{{", ".join(fields)}}}}}')
    return f"[{', '.join(listed)}]"
