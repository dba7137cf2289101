"""Llama 2, Llama 3 and Llama 3.1 to 3.3. https://www.llama.com/docs/model-cards-and-prompt-formats/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import PromptFormatError
from ..template_input import Message, TemplateInput
from .shared import begins_with_system, content_text, role_text, to_json, trimmed

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


def llama2(inputs: TemplateInput) -> str:
    """Llama 2: user and assistant take turns, the system text goes into the first user turn."""
    messages = inputs.messages
    bos, eos = inputs.special_tokens["bos_token"], inputs.special_tokens["eos_token"]
    system = ""
    start = 0
    if begins_with_system(messages):
        system = f"<<SYS>>\n{content_text(messages, 0)}\n<</SYS>>\n\n"
        start = 1
    parts = []
    for index in range(start, len(messages)):
        role = messages[index].get("role")
        expects_user = (index - start) % 2 == 0
        if (role == "user") != expects_user:
            raise PromptFormatError(
                "user and assistant messages must take turns, user first.", param=f"messages[{index}].role"
            )
        if role == "user":
            content = (system + content_text(messages, index)).strip()
            # Every question begins a sequence of its own, so the token stands before each.
            parts.append(f"{bos}[INST] {content} [/INST]")
            system = ""
        elif role == "assistant":
            parts.append(f" {content_text(messages, index).strip()} {eos}")
    return "".join(parts)


def llama3(inputs: TemplateInput) -> str:
    """Llama 3: every message under a header of its role, trimmed. No tools."""
    parts = []
    if inputs.messages:
        parts.append(inputs.special_tokens["bos_token"])
    for index, message in enumerate(inputs.messages):
        role = role_text(inputs.messages, index)
        content = trimmed(message.get("content", ""))
        parts.append(f"<|start_header_id|>{role}<|end_header_id|>\n\n{content}<|eot_id|>")
    if inputs.add_generation_prompt:
        parts.append(_ASSISTANT)
    return "".join(parts)


def llama31(inputs: TemplateInput) -> str:
    """Llama 3.1 and 3.3: always a system turn, with a constant date unless `date_string` is given."""
    date = inputs.variables.get("date_string", "26 Jul 2024")
    return _llama31(inputs, date, inputs.variables.get("builtin_tools"))


def llama32(inputs: TemplateInput) -> str:
    """Llama 3.2: as 3.1, with the request's date and without built-in tools."""
    date = inputs.variables.get("date_string")
    if date is None:
        date = inputs.strftime_now("%d %b %Y")
    return _llama31(inputs, date, None)


def _llama31(inputs: TemplateInput, date: str, builtin_tools: Sequence[str] | None) -> str:
    messages = inputs.messages
    # `custom_tools` and `tools_in_user_message` are variables of the family's own template.
    tools = inputs.variables.get("custom_tools", inputs.tools)
    tools_in_user = bool(inputs.variables.get("tools_in_user_message", True))
    system = ""
    position = 0
    if begins_with_system(messages):
        system = trimmed(messages[0].get("content", ""))
        position = 1
    parts = [inputs.special_tokens["bos_token"], "<|start_header_id|>system<|end_header_id|>\n\n"]
    if tools is not None or builtin_tools is not None:
        parts.append("Environment: ipython\n")
    if builtin_tools is not None:
        # The code interpreter is on whenever the environment is ipython, so the list does not name it.
        names = [name for name in builtin_tools if name != "code_interpreter"]
        parts.append(f"Tools: {', '.join(names)}\n\n")
    parts.append(f"Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n")
    if tools is not None and not tools_in_user:
        parts += [_TOOLS_IN_SYSTEM, _definitions(tools)]
    parts.append(f"{system}<|eot_id|>")
    # The message behind the system text becomes the first user turn, whatever its role.
    if tools is not None and tools_in_user:
        if position == len(messages):
            raise PromptFormatError("tools need a user message to be offered in.", param="messages")
        content = trimmed(messages[position].get("content", ""))
        parts.append("<|start_header_id|>user<|end_header_id|>\n\n")
        parts += [_TOOLS_IN_USER, _definitions(tools), content, "<|eot_id|>"]
        position += 1
    for index in range(position, len(messages)):
        parts.append(_turn(messages, index, builtin_tools))
    if inputs.add_generation_prompt:
        parts.append(_ASSISTANT)
    return "".join(parts)


def _definitions(tools: Sequence[Any]) -> str:
    text = ""
    for tool in tools:
        text += to_json(tool, indent=4) + "\n\n"
    return text


def _turn(messages: Sequence[Message], index: int, builtin_tools: Sequence[str] | None) -> str:
    message = messages[index]
    if "tool_calls" in message:
        # With built-in tools the turn goes on behind the result.
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
        # Built-in tools are called like a Python function, all others by JSON.
        listed = ", ".join(f'{key}="{value}"' for key, value in arguments.items())
        return f"<|python_tag|>{name}.call({listed})"
    return f'{{"name": "{name}", "parameters": {to_json(arguments)}}}'
