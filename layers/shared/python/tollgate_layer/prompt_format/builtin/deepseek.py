"""DeepSeek-R1 and its distills. https://huggingface.co/deepseek-ai/DeepSeek-R1#usage-recommendations"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import PromptFormatError
from ..template_input import Message, TemplateInput
from .shared import content_text

_EOS = "<｜end▁of▁sentence｜>"


def deepseek_r1(inputs: TemplateInput) -> str:
    """Reasoning models: the prompt opens the reasoning, earlier reasoning is lost; no tool definitions.

    The last system message moves to the front; the others are dropped.
    """
    system = ""
    last_role = None
    for message in inputs.messages:
        role = message.get("role")
        if role == "system":
            system = str(message.get("content", ""))
        elif role in ("user", "assistant", "tool"):
            last_role = role
    parts = [inputs.special_tokens["bos_token"], system, *_turns(inputs.messages)]
    if last_role == "tool":
        # The model goes on behind the results, inside the turn that made the calls.
        parts.append("<｜tool▁outputs▁end｜>")
    elif inputs.add_generation_prompt:
        parts.append("<｜Assistant｜><think>\n")
    return "".join(parts)


def _turns(messages: Sequence[Message]) -> Iterator[str]:
    # The format opens the lists of calls and of results once per conversation, not once per message.
    any_call = any_result = after_result = False
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "user":
            after_result = False
            yield f"<｜User｜>{content_text(messages, index)}"
        elif role == "tool":
            yield "\n" if any_result else "<｜tool▁outputs▁begin｜>"
            yield f"<｜tool▁output▁begin｜>{content_text(messages, index)}<｜tool▁output▁end｜>"
            any_result = after_result = True
        elif role == "assistant" and message.get("content") is None:
            after_result = False
            # The family writes the calls only of messages whose content is null.
            for call in message.get("tool_calls", ()):
                yield _call(call, index, first=not any_call)
                any_call = True
        elif role == "assistant":
            content = content_text(messages, index)
            if after_result:
                yield f"<｜tool▁outputs▁end｜>{content}{_EOS}"
            else:
                # Reasoning of earlier answers is dropped, except behind a tool result.
                answer = content.split("</think>")[-1]
                yield f"<｜Assistant｜>{answer}{_EOS}"
            after_result = False


def _call(call: Message, index: int, *, first: bool) -> str:
    """One call of message `index`. The first call of a conversation opens the list; each later one closes it."""
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
