"""ChatML and the Qwen formats before Qwen3, with Hermes-style tools.

https://qwen.readthedocs.io/en/latest/getting_started/concepts.html and, for tools,
https://github.com/NousResearch/Hermes-Function-Calling.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..conversation import Conversation, Message, Tool, content_text, first_role, function_of, role_text, to_json

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


def chatml(c: Conversation) -> str:
    """Plain ChatML: every message as it is, no default system text, no tools."""
    parts = [turn(c.messages, index) for index in range(len(c.messages))]
    return "".join(parts) + generation_prompt(c)


def qwen2(c: Conversation) -> str:
    """Qwen2: ChatML with a system text for conversations that begin without one."""
    if c.messages and first_role(c.messages) != "system":
        return f"<|im_start|>system\n{QWEN2_SYSTEM}<|im_end|>\n{chatml(c)}"
    return chatml(c)


def qwen25(c: Conversation) -> str:
    """Qwen2.5: a default system text, tools in the system turn, tool results in user turns."""
    has_system = first_role(c.messages) == "system"
    system = content_text(c.messages, 0) if has_system else QWEN25_SYSTEM
    if c.tools:
        system += "\n\n" + tool_definitions(c.tools)
    parts = [f"<|im_start|>system\n{system}<|im_end|>\n"]
    parts += _answers_and_calls(c.messages, verbatim_thoughts=True)
    return "".join(parts) + generation_prompt(c)


def qwq(c: Conversation) -> str:
    """QwQ: tools as in Qwen2.5, no default system text; the prompt opens the reasoning, history loses it."""
    has_system = first_role(c.messages) == "system"
    system = content_text(c.messages, 0) if has_system else ""
    if c.tools:
        system += "\n\n" + tool_definitions(c.tools)
    parts = [f"<|im_start|>system\n{system}<|im_end|>\n"] if has_system or c.tools else []
    parts += _answers_and_calls(c.messages, verbatim_thoughts=False)
    opening = "<think>\n" if c.add_generation_prompt else ""
    return "".join(parts) + generation_prompt(c) + opening


def _answers_and_calls(messages: Sequence[Message], *, verbatim_thoughts: bool) -> list[str]:
    """Every turn but the first system turn. Other roles than the four are left out, as the family does."""
    parts = []
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "assistant":
            keep = verbatim_thoughts or index == len(messages) - 1
            parts.append(f"<|im_start|>assistant{_answer(messages, index, keep)}<|im_end|>\n")
        elif role == "user" or (role == "system" and index):
            parts.append(turn(messages, index))
        elif role == "tool":
            parts.append(tool_result(messages, index, str(message.get("content", ""))))
    return parts


def _answer(messages: Sequence[Message], index: int, keep_thoughts: bool) -> str:
    message = messages[index]
    calls = message.get("tool_calls") or ()
    listed = "".join("\n" + tool_call(call, verbatim_strings=False) for call in calls)
    if calls and keep_thoughts and not message.get("content"):
        return listed
    content = content_text(messages, index)
    if not keep_thoughts:
        content = content.split("</think>")[-1].lstrip("\n")
    return f"\n{content}{listed}" if message["content"] or not calls else listed


def turn(messages: Sequence[Message], index: int) -> str:
    """Message `index` as a turn of its own role."""
    return f"<|im_start|>{role_text(messages, index)}\n{content_text(messages, index)}<|im_end|>\n"


def generation_prompt(c: Conversation) -> str:
    """The opening of the assistant's turn, where it is wanted."""
    return "<|im_start|>assistant\n" if c.add_generation_prompt else ""


def tool_definitions(tools: Sequence[Tool]) -> str:
    """The tools' JSON schemas and how to call them."""
    return _TOOLS_HEAD + "".join("\n" + to_json(tool) for tool in tools) + _TOOLS_TAIL


def tool_call(call: Message, *, verbatim_strings: bool) -> str:
    """One call. Arguments that already are JSON text are printed as they are, or encoded once more."""
    function = function_of(call)
    arguments = function.get("arguments")
    text = arguments if verbatim_strings and isinstance(arguments, str) else to_json(arguments)
    return f'<tool_call>\n{{"name": "{function.get("name", "")}", "arguments": {text}}}\n</tool_call>'


def tool_result(messages: Sequence[Message], index: int, content: str) -> str:
    """One result; results in a row share one user turn."""
    opens = "" if _is_tool(messages, index - 1) else "<|im_start|>user"
    closes = "" if _is_tool(messages, index + 1) else "<|im_end|>\n"
    return f"{opens}\n<tool_response>\n{content}\n</tool_response>{closes}"


def _is_tool(messages: Sequence[Message], index: int) -> bool:
    return 0 <= index < len(messages) and messages[index].get("role") == "tool"
