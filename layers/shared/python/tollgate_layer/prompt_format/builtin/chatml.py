"""ChatML and the Qwen formats before Qwen3, with Hermes-style tools.

https://qwen.readthedocs.io/en/latest/getting_started/concepts.html and, for tools,
https://github.com/NousResearch/Hermes-Function-Calling.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..template_input import Message, TemplateInput, Tool
from .shared import begins_with_system, content_text, function_of, role_text, to_json

QWEN2_SYSTEM = "You are a helpful assistant."
QWEN25_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

# Models are trained on these very words, so they are part of the format.
_TOOLS_HEAD = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
_TOOLS_TAIL = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)


def chatml(inputs: TemplateInput) -> str:
    """Plain ChatML: every message as it is, no default system text, no tools."""
    turns = [turn(inputs.messages, index) for index in range(len(inputs.messages))]
    return "".join(turns) + generation_prompt(inputs)


def qwen2(inputs: TemplateInput) -> str:
    """Qwen2: ChatML with a system text for conversations that begin without one."""
    prompt = chatml(inputs)
    if inputs.messages and not begins_with_system(inputs.messages):
        return f"<|im_start|>system\n{QWEN2_SYSTEM}<|im_end|>\n{prompt}"
    return prompt


def qwen25(inputs: TemplateInput) -> str:
    """Qwen2.5: a default system text, tools in the system turn, tool results in user turns."""
    system = QWEN25_SYSTEM
    if begins_with_system(inputs.messages):
        system = content_text(inputs.messages, 0)
    if inputs.tools:
        system += "\n\n" + tool_definitions(inputs.tools)
    parts = [f"<|im_start|>system\n{system}<|im_end|>\n"]
    parts += turns_behind_system(inputs.messages, keep_thoughts=True)
    parts.append(generation_prompt(inputs))
    return "".join(parts)


def qwq(inputs: TemplateInput) -> str:
    """QwQ: tools as in Qwen2.5, no default system text; the prompt opens the reasoning, earlier reasoning is lost."""
    parts = []
    has_system = begins_with_system(inputs.messages)
    system = ""
    if has_system:
        system = content_text(inputs.messages, 0)
    if inputs.tools:
        system += "\n\n" + tool_definitions(inputs.tools)
    if has_system or inputs.tools:
        parts.append(f"<|im_start|>system\n{system}<|im_end|>\n")
    parts += turns_behind_system(inputs.messages, keep_thoughts=False)
    parts.append(generation_prompt(inputs))
    if inputs.add_generation_prompt:
        parts.append("<think>\n")
    return "".join(parts)


def turns_behind_system(messages: Sequence[Message], *, keep_thoughts: bool) -> list[str]:
    """Every turn but the first system turn.

    Messages of other roles than the four are left out, as the family's own chat templates do. Without `keep_thoughts`,
    reasoning stays only in the last message.
    """
    turns = []
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "assistant":
            is_last = index == len(messages) - 1
            answer = answer_and_calls(messages, index, keep_thoughts=keep_thoughts or is_last)
            turns.append(f"<|im_start|>assistant{answer}<|im_end|>\n")
        elif role == "user" or (role == "system" and index > 0):
            turns.append(turn(messages, index))
        elif role == "tool":
            turns.append(tool_result(messages, index, str(message.get("content", ""))))
    return turns


def answer_and_calls(messages: Sequence[Message], index: int, *, keep_thoughts: bool) -> str:
    """The text of an assistant message and its tool calls, each on lines of its own."""
    message = messages[index]
    calls = message.get("tool_calls") or ()
    listed = "".join(["\n" + tool_call(call, verbatim_strings=False) for call in calls])
    # Content may be missing or null beside calls. QwQ's earlier messages know no such exception: there it must be text.
    if calls and keep_thoughts and not message.get("content"):
        return listed
    content = content_text(messages, index)
    if calls and content == "":
        return listed
    if not keep_thoughts:
        # Everything up to the last closing tag; without one, nothing is dropped.
        content = content.split("</think>")[-1].lstrip("\n")
    return f"\n{content}{listed}"


def turn(messages: Sequence[Message], index: int) -> str:
    """Message `index` as a turn of its own role."""
    return f"<|im_start|>{role_text(messages, index)}\n{content_text(messages, index)}<|im_end|>\n"


def generation_prompt(inputs: TemplateInput) -> str:
    """The opening of the assistant's turn, where it is wanted."""
    if inputs.add_generation_prompt:
        return "<|im_start|>assistant\n"
    return ""


def tool_definitions(tools: Sequence[Tool]) -> str:
    """The tools' JSON schemas and how to call them."""
    text = _TOOLS_HEAD
    for tool in tools:
        text += "\n" + to_json(tool)
    return text + _TOOLS_TAIL


def tool_call(call: Message, *, verbatim_strings: bool) -> str:
    """One call. Arguments that already are JSON text are printed as they are (`verbatim_strings`) or encoded again."""
    function = function_of(call)
    arguments = function.get("arguments")
    if not (verbatim_strings and isinstance(arguments, str)):
        arguments = to_json(arguments)
    return f'<tool_call>\n{{"name": "{function.get("name", "")}", "arguments": {arguments}}}\n</tool_call>'


def tool_result(messages: Sequence[Message], index: int, content: str) -> str:
    """One result. Results in a row share one user turn: the first opens it, the last closes it."""
    result = f"\n<tool_response>\n{content}\n</tool_response>"
    if index == 0 or messages[index - 1].get("role") != "tool":
        result = "<|im_start|>user" + result
    if index == len(messages) - 1 or messages[index + 1].get("role") != "tool":
        result += "<|im_end|>\n"
    return result
