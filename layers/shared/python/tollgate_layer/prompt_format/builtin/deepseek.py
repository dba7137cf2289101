"""DeepSeek-R1 and its distills. https://huggingface.co/deepseek-ai/DeepSeek-R1#usage-recommendations"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..conversation import Conversation, Message, content_text
from ..errors import PromptFormatError

_EOS = "<｜end▁of▁sentence｜>"


def deepseek_r1(c: Conversation) -> str:
    """Reasoning models: the prompt opens the reasoning, history loses it; no tool definitions.

    The last system message moves to the front; the others are dropped.
    """
    system = ""
    for message in c.messages:
        if message.get("role") == "system":
            system = str(message.get("content", ""))
    turns = "".join(_turns(c.messages))
    ends_in_tool = _ends_in_tool(c.messages)
    closing = "<｜tool▁outputs▁end｜>" if ends_in_tool else ""
    opening = "<｜Assistant｜><think>\n" if c.add_generation_prompt and not ends_in_tool else ""
    return f"{c.special_tokens['bos_token']}{system}{turns}{closing}{opening}"


def _turns(messages: Sequence[Message]) -> Iterator[str]:
    any_call = any_result = after_result = False
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "user":
            after_result = False
            yield f"<｜User｜>{content_text(messages, index)}"
        elif role == "tool":
            lead = "\n" if any_result else "<｜tool▁outputs▁begin｜>"
            yield f"{lead}<｜tool▁output▁begin｜>{content_text(messages, index)}<｜tool▁output▁end｜>"
            any_result = after_result = True
        elif role == "assistant" and message.get("content") is None:
            after_result = False
            for call in message.get("tool_calls", ()):
                yield _call(call, index, first=not any_call)
                any_call = True
        elif role == "assistant":
            content = content_text(messages, index)
            answer = content if after_result else content.split("</think>")[-1]
            yield f"{'<｜tool▁outputs▁end｜>' if after_result else '<｜Assistant｜>'}{answer}{_EOS}"
            after_result = False


def _call(call: Message, index: int, *, first: bool) -> str:
    """One call of the whole conversation's list: the format opens the list once and closes it after each later call."""
    function = call["function"]
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise PromptFormatError("arguments must be JSON text.", param=f"messages[{index}].tool_calls")
    text = (
        f"<｜tool▁call▁begin｜>{call.get('type', '')}<｜tool▁sep｜>{function['name']}\n"
        f"```json\n{arguments}\n```<｜tool▁call▁end｜>"
    )
    if first:
        return f"<｜Assistant｜><｜tool▁calls▁begin｜>{text}"
    return f"\n{text}<｜tool▁calls▁end｜>{_EOS}"


def _ends_in_tool(messages: Sequence[Message]) -> bool:
    roles = [message.get("role") for message in messages if message.get("role") in ("user", "assistant", "tool")]
    return bool(roles) and roles[-1] == "tool"
