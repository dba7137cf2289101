"""Llama 2, Llama 3 and Llama 3.1 to 3.3. https://www.llama.com/docs/model-cards-and-prompt-formats/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..conversation import Conversation, Message, content_text, first_role, role_text, to_json, trimmed
from ..errors import PromptFormatError

_ASSISTANT = "<|start_header_id|>assistant<|end_header_id|>\n\n"
_CALL_INSTRUCTION = (
    'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.'
    "Do not use variables.\n\n"
)
_TOOLS_IN_SYSTEM = (
    "You have access to the following functions. To call a function, please respond with JSON for a "
    "function call." + _CALL_INSTRUCTION
)
_TOOLS_IN_USER = (
    "Given the following functions, please respond with a JSON for a function call with its proper "
    "arguments that best answers the given prompt.\n\n" + _CALL_INSTRUCTION
)


def llama2(c: Conversation) -> str:
    """Llama 2: user and assistant take turns, the system text goes into the first user turn."""
    bos, eos = c.special_tokens["bos_token"], c.special_tokens["eos_token"]
    start = 1 if first_role(c.messages) == "system" else 0
    system = f"<<SYS>>\n{content_text(c.messages, 0)}\n<</SYS>>\n\n" if start else ""
    parts = []
    for index in range(start, len(c.messages)):
        role = c.messages[index].get("role")
        if (role == "user") != ((index - start) % 2 == 0):
            raise PromptFormatError(
                "user and assistant messages must take turns, user first.", param=f"messages[{index}].role"
            )
        if role == "user":
            parts.append(f"{bos}[INST] {(system + content_text(c.messages, index)).strip()} [/INST]")
            system = ""
        elif role == "assistant":
            parts.append(f" {content_text(c.messages, index).strip()} {eos}")
    return "".join(parts)


def llama3(c: Conversation) -> str:
    """Llama 3: every message under a header of its role, trimmed. No tools."""
    parts = [
        f"<|start_header_id|>{role_text(c.messages, index)}<|end_header_id|>\n\n"
        f"{trimmed(message.get('content', ''))}<|eot_id|>"
        for index, message in enumerate(c.messages)
    ]
    bos = c.special_tokens["bos_token"] if parts else ""
    return bos + "".join(parts) + (_ASSISTANT if c.add_generation_prompt else "")


def llama31(c: Conversation) -> str:
    """Llama 3.1 and 3.3: always a system turn, with a constant date unless `date_string` is given."""
    return _llama31(c, c.variables.get("date_string", "26 Jul 2024"), c.variables.get("builtin_tools"))


def llama32(c: Conversation) -> str:
    """Llama 3.2: as 3.1, with the request's date and without built-in tools."""
    date = c.variables.get("date_string")
    return _llama31(c, c.strftime_now("%d %b %Y") if date is None else date, None)


def _llama31(c: Conversation, date: str, builtin_tools: Sequence[str] | None) -> str:
    tools = c.variables.get("custom_tools", c.tools)
    in_user = bool(c.variables.get("tools_in_user_message", True))
    start = 1 if first_role(c.messages) == "system" else 0
    system = trimmed(c.messages[0].get("content", "")) if start else ""
    parts = [
        c.special_tokens["bos_token"],
        "<|start_header_id|>system<|end_header_id|>\n\n",
        "Environment: ipython\n" if tools is not None or builtin_tools is not None else "",
        _builtin_tool_names(builtin_tools),
        f"Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n",
        _TOOLS_IN_SYSTEM + _definitions(tools) if tools is not None and not in_user else "",
        f"{system}<|eot_id|>",
    ]
    if tools is not None and in_user:
        parts.append(_first_user_turn(c.messages, start, tools))
        start += 1
    parts += [_turn(c.messages, index, builtin_tools) for index in range(start, len(c.messages))]
    return "".join(parts) + (_ASSISTANT if c.add_generation_prompt else "")


def _builtin_tool_names(builtin_tools: Sequence[str] | None) -> str:
    if builtin_tools is None:
        return ""
    return "Tools: " + ", ".join(name for name in builtin_tools if name != "code_interpreter") + "\n\n"


def _definitions(tools: Sequence[Any]) -> str:
    return "".join(to_json(tool, indent=4) + "\n\n" for tool in tools)


def _first_user_turn(messages: Sequence[Message], index: int, tools: Sequence[Any]) -> str:
    if index == len(messages):
        raise PromptFormatError("tools need a user message to be offered in.", param="messages")
    content = trimmed(messages[index].get("content", ""))
    return f"<|start_header_id|>user<|end_header_id|>\n\n{_TOOLS_IN_USER}{_definitions(tools)}{content}<|eot_id|>"


def _turn(messages: Sequence[Message], index: int, builtin_tools: Sequence[str] | None) -> str:
    message = messages[index]
    if "tool_calls" in message:
        end = "<|eot_id|>" if builtin_tools is None else "<|eom_id|>"
        return _ASSISTANT + _call(message, index, builtin_tools) + end
    role, content = role_text(messages, index), message.get("content", "")
    if role in ("tool", "ipython"):
        # The family encodes every result as JSON, so that text comes out between quotes.
        text = to_json(content) if hasattr(content, "__iter__") else str(content)
        return f"<|start_header_id|>ipython<|end_header_id|>\n\n{text}<|eot_id|>"
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n{trimmed(content)}<|eot_id|>"


def _call(message: Message, index: int, builtin_tools: Sequence[str] | None) -> str:
    calls: Sequence[Any] = message["tool_calls"] or []
    if len(calls) != 1:
        raise PromptFormatError(
            f"must hold exactly one call for this model, not {len(calls)}.",
            param=f"messages[{index}].tool_calls",
        )
    function = calls[0]["function"]
    name, arguments = function["name"], function.get("arguments")
    if builtin_tools and name in builtin_tools:
        listed = ", ".join(f'{key}="{value}"' for key, value in arguments.items())
        return f"<|python_tag|>{name}.call({listed})"
    return f'{{"name": "{name}", "parameters": {to_json(arguments)}}}'
