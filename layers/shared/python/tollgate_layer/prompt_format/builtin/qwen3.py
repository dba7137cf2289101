"""Qwen3: ChatML with reasoning in `<think>` blocks. https://huggingface.co/Qwen/Qwen3-8B

Only reasoning that belongs to the present question stays in the prompt: blocks before the last user
message (one that is not a tool result) are dropped, since the models are trained on earlier messages without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..template_input import Message, TemplateInput
from .chatml import generation_prompt, tool_call, tool_definitions, tool_result, turn
from .shared import begins_with_system, content_text


def qwen3(inputs: TemplateInput) -> str:
    """Qwen3 (hybrid): reasons unless `enable_thinking` is false."""
    prompt = _prompt(inputs, reasoning=True)
    if inputs.add_generation_prompt and inputs.variables.get("enable_thinking") is False:
        prompt += "<think>\n\n</think>\n\n"  # an empty block: the model goes on as if it had thought
    return prompt


def qwen3_instruct(inputs: TemplateInput) -> str:
    """Qwen3-Instruct-2507: never reasons."""
    return _prompt(inputs, reasoning=False)


def qwen3_thinking(inputs: TemplateInput) -> str:
    """Qwen3-Thinking-2507: the prompt itself opens the reasoning."""
    prompt = _prompt(inputs, reasoning=True)
    if inputs.add_generation_prompt:
        prompt += "<think>\n"
    return prompt


def _prompt(inputs: TemplateInput, *, reasoning: bool) -> str:
    messages = inputs.messages
    parts = [_system_turn(inputs)]
    last_question = _last_question(messages)
    for index, message in enumerate(messages):
        role, content = message.get("role"), _string(message.get("content"))
        if role == "user" or (role == "system" and index > 0):
            parts.append(f"<|im_start|>{role}\n{content}<|im_end|>\n")
        elif role == "assistant":
            thoughts = ""
            if reasoning:
                thoughts, content = _thoughts_and_answer(messages, index, last_question)
            parts.append(f"<|im_start|>assistant\n{thoughts}{content}{_calls(message, content)}<|im_end|>\n")
        elif role == "tool":
            parts.append(tool_result(messages, index, content))
    parts.append(generation_prompt(inputs))
    return "".join(parts)


def _system_turn(inputs: TemplateInput) -> str:
    has_system = begins_with_system(inputs.messages)
    if not inputs.tools:
        return turn(inputs.messages, 0) if has_system else ""
    system = tool_definitions(inputs.tools)
    if has_system:
        system = f"{content_text(inputs.messages, 0)}\n\n{system}"
    return f"<|im_start|>system\n{system}<|im_end|>\n"


def _last_question(messages: Sequence[Message]) -> int:
    """Index of the last user message that is not a tool result in disguise; the last message if there is none."""
    for index in range(len(messages) - 1, -1, -1):
        content = messages[index].get("content")
        if messages[index].get("role") == "user" and isinstance(content, str):
            is_result = content.startswith("<tool_response>") and content.endswith("</tool_response>")
            if not is_result:
                return index
    return len(messages) - 1


def _thoughts_and_answer(messages: Sequence[Message], index: int, last_question: int) -> tuple[str, str]:
    """The think block that stays in front of an answer (often none), and the answer."""
    message = messages[index]
    content = _string(message.get("content"))
    thoughts = ""
    # Reasoning comes in a field of its own, or is still in the text.
    reasoning = message.get("reasoning_content")
    if isinstance(reasoning, str):
        thoughts = reasoning
    elif "</think>" in content:
        before, content = content.split("</think>")[0], content.split("</think>")[-1]
        thoughts = before.rstrip("\n").split("<think>")[-1].lstrip("\n")
        content = content.lstrip("\n")
    is_last = index == len(messages) - 1
    # Behind the question, the last answer gets a block even if it is empty.
    if index > last_question and (thoughts or is_last):
        thoughts = thoughts.strip("\n")
        return f"<think>\n{thoughts}\n</think>\n\n", content.lstrip("\n")
    return "", content


def _calls(message: Message, content: str) -> str:
    calls = message.get("tool_calls")
    if not calls:
        return ""
    text = "\n".join([tool_call(call, verbatim_strings=True) for call in calls])
    if content:
        return "\n" + text
    return text


def _string(content: Any) -> str:
    """Qwen3 renders anything but a string as nothing."""
    if isinstance(content, str):
        return content
    return ""
