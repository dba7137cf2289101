"""Qwen3: ChatML with reasoning in `<think>` blocks. https://huggingface.co/Qwen/Qwen3-8B

Only reasoning that belongs to the present question stays in the prompt: blocks before the last user
message (one that is not a tool result) are dropped, since the models are trained on history without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..conversation import Conversation, Message, content_text, first_role
from .chatml import generation_prompt, tool_call, tool_definitions, tool_result, turn


def qwen3(c: Conversation) -> str:
    """Qwen3 (hybrid): reasons unless `enable_thinking` is false."""
    silent = c.add_generation_prompt and c.variables.get("enable_thinking") is False
    return _conversation(c, reasoning=True) + ("<think>\n\n</think>\n\n" if silent else "")


def qwen3_instruct(c: Conversation) -> str:
    """Qwen3-Instruct-2507: never reasons."""
    return _conversation(c, reasoning=False)


def qwen3_thinking(c: Conversation) -> str:
    """Qwen3-Thinking-2507: the prompt itself opens the reasoning."""
    return _conversation(c, reasoning=True) + ("<think>\n" if c.add_generation_prompt else "")


def _conversation(c: Conversation, *, reasoning: bool) -> str:
    messages = c.messages
    parts = [_system_turn(c)]
    last_question = _last_question(messages) if reasoning else 0
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "user" or (role == "system" and index):
            parts.append(f"<|im_start|>{role}\n{_string(message.get('content'))}<|im_end|>\n")
        elif role == "assistant":
            before, content = _answer(messages, index, last_question) if reasoning else ("", None)
            content = _string(message.get("content")) if content is None else content
            parts.append(f"<|im_start|>assistant\n{before}{content}{_calls(message, content)}<|im_end|>\n")
        elif role == "tool":
            parts.append(tool_result(messages, index, _string(message.get("content"))))
    return "".join(parts) + generation_prompt(c)


def _system_turn(c: Conversation) -> str:
    if first_role(c.messages) != "system":
        return f"<|im_start|>system\n{tool_definitions(c.tools)}<|im_end|>\n" if c.tools else ""
    if not c.tools:
        return turn(c.messages, 0)
    system = content_text(c.messages, 0)
    return f"<|im_start|>system\n{system}\n\n{tool_definitions(c.tools)}<|im_end|>\n"


def _last_question(messages: Sequence[Message]) -> int:
    """Index of the last user message that is not a tool result in disguise; the last message if there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user" and _is_question(messages[index].get("content")):
            return index
    return len(messages) - 1


def _is_question(content: Any) -> bool:
    if not isinstance(content, str):
        return False
    return not (content.startswith("<tool_response>") and content.endswith("</tool_response>"))


def _answer(messages: Sequence[Message], index: int, last_question: int) -> tuple[str, str]:
    """The think block that stays in front of an answer (often none), and the answer."""
    reasoning, content = _reasoning_and_content(messages[index])
    if index > last_question and (reasoning or index == len(messages) - 1):
        reasoning = reasoning.strip("\n")
        return f"<think>\n{reasoning}\n</think>\n\n", content.lstrip("\n")
    return "", content


def _reasoning_and_content(message: Message) -> tuple[str, str]:
    content = _string(message.get("content"))
    reasoning = message.get("reasoning_content")
    if isinstance(reasoning, str):
        return reasoning, content
    if "</think>" not in content:
        return "", content
    thoughts = content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n")
    return thoughts, content.split("</think>")[-1].lstrip("\n")


def _calls(message: Message, content: str) -> str:
    calls = message.get("tool_calls")
    if not calls:
        return ""
    text = "\n".join(tool_call(call, verbatim_strings=True) for call in calls)
    return "\n" + text if content else text


def _string(content: Any) -> str:
    """Qwen3 renders anything but a string as nothing."""
    return content if isinstance(content, str) else ""
