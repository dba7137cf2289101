"""What a chat template does, found by asking it: short conversations of made-up words are rendered and read.

Templates differ in small ways that no name or pattern tells reliably, and a model's own template may be of
any family. Each question is asked once per process and template, and only when a conversation needs it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from .errors import PromptFormatError
from .rendering import render

_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
SYSTEM = {"role": "system", "content": "sysalpha"}
LATER_SYSTEM = {"role": "system", "content": "sysomega"}
USER = {"role": "user", "content": "userbeta"}
ANSWER = {"role": "assistant", "content": "answergamma"}
NEXT_USER = {"role": "user", "content": "userdelta"}
CALL_ID = "a1b2c3d4e"
TOOL = {
    "type": "function",
    "function": {
        "name": "toolkappa",
        "description": "does",
        "parameters": {"type": "object", "properties": {"keylambda": {"type": "string"}}},
    },
}
RESULT = {"role": "tool", "tool_call_id": CALL_ID, "name": "toolkappa", "content": "resultmu"}


class CallShape(NamedTuple):
    """How a template wants an earlier tool call to be handed over."""

    text_arguments: bool
    """Arguments as JSON text rather than as an object."""
    null_content: bool
    """The call's message has null content rather than empty text."""
    short_ids: bool
    """Call ids of exactly nine letters and digits."""
    single: bool
    """One call per message."""
    own_message: bool
    """Content beside a call is lost, but kept in a message of its own before it."""


def ask(template: str, messages: list[Any], tools: list[Any] | None = None, **options: Any) -> str | None:
    """The prompt for a probe, or None where the template refuses it."""
    tokens = options.pop("special_tokens", _TOKENS)
    try:
        return render(messages, template=template, tools=tools, special_tokens=tokens, **options)
    except PromptFormatError:
        return None


def call_message(
    *, text_arguments: bool = False, content: str | None = "", ids: tuple[str, ...] = (CALL_ID,)
) -> dict[str, Any]:
    """An assistant message with one call per id."""
    arguments: Any = '{"keylambda": "valuenu"}' if text_arguments else {"keylambda": "valuenu"}
    function = {"name": "toolkappa", "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": dict(function)} for call_id in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls}


@lru_cache(maxsize=64)
def call_shape(template: str) -> CallShape | None:
    """How this template takes tool calls; None if it does not show them."""
    for null_content in (False, True):
        for text_arguments in (False, True):
            content = None if null_content else ""
            message = call_message(text_arguments=text_arguments, content=content)
            if _shows_call(ask(template, [USER, message, RESULT], [TOOL])):
                return _shape(template, text_arguments, null_content)
    return None


def _shows_call(prompt: str | None) -> bool:
    return prompt is not None and '{"keylambda": "valuenu"}' in prompt and "resultmu" in prompt


def _shape(template: str, text_arguments: bool, null_content: bool) -> CallShape:
    def shows(messages: list[Any], *words: str) -> bool:
        prompt = ask(template, messages, [TOOL]) or ""
        return _shows_call(prompt) and all(word in prompt for word in words)

    content = None if null_content else ""
    call = call_message(text_arguments=text_arguments, content=content)
    long_id = call_message(text_arguments=text_arguments, content=content, ids=("call_0123456789abcdef",))
    two = call_message(text_arguments=text_arguments, content=content, ids=(CALL_ID, "f6g7h8i9j"))
    beside = call_message(text_arguments=text_arguments, content="besidepi")
    apart = {"role": "assistant", "content": "besidepi"}
    return CallShape(
        text_arguments=text_arguments,
        null_content=null_content,
        short_ids=not shows([USER, long_id, {**RESULT, "tool_call_id": "call_0123456789abcdef"}]),
        single=not shows([USER, two, RESULT, {**RESULT, "tool_call_id": "f6g7h8i9j"}]),
        own_message=not shows([USER, beside, RESULT], "besidepi")
        and shows([USER, apart, call, RESULT, ANSWER], "besidepi"),
    )


@lru_cache(maxsize=64)
def tool_prompt(template: str) -> str:
    """A prompt with a tool, a call of it and its result; empty if the template shows no calls."""
    shape = call_shape(template)
    if shape is None:
        return ""
    call = call_message(text_arguments=shape.text_arguments, content=None if shape.null_content else "")
    return ask(template, [USER, call, RESULT], [TOOL]) or ""


@lru_cache(maxsize=64)
def offers_tools(template: str) -> bool:
    """Whether tool definitions reach the prompt."""
    return "toolkappa" in (ask(template, [USER], [TOOL]) or "")


@lru_cache(maxsize=64)
def needs_descriptions(template: str) -> bool:
    """Whether a tool without a description is refused."""
    bare = {"type": "function", "function": {"name": "toolkappa"}}
    return ask(template, [USER], [bare]) is None


@lru_cache(maxsize=64)
def leaves_quotes(template: str) -> bool:
    """Whether descriptions are put between quotes without escaping the quotes in them."""
    tool = {"type": "function", "function": {**TOOL["function"], "description": 'one "two"'}}  # type: ignore[dict-item]
    return '"one "two""' in (ask(template, [USER], [tool]) or "")


@lru_cache(maxsize=64)
def takes_system(template: str, *, as_parts: bool = False) -> bool:
    """Whether a first system message reaches the prompt."""
    system = {**SYSTEM, "content": [{"type": "text", "text": "sysalpha"}]} if as_parts else SYSTEM
    prompt = ask(template, [system, USER]) or ""
    return "sysalpha" in prompt and "[{" not in prompt


@lru_cache(maxsize=64)
def keeps_system_before_answer(template: str) -> bool:
    """Whether the system text still reaches the prompt when the last message is not a user's."""
    return "sysalpha" in (ask(template, [SYSTEM, USER, ANSWER], add_generation_prompt=False) or "")


@lru_cache(maxsize=64)
def keeps_two_first_systems(template: str) -> bool:
    """Whether a second system message right after the first is kept."""
    prompt = ask(template, [SYSTEM, LATER_SYSTEM, USER]) or ""
    return "sysalpha" in prompt and "sysomega" in prompt


@lru_cache(maxsize=64)
def loses_later_system(template: str) -> bool:
    """Whether a system message in mid-conversation is silently dropped or moved. False where it is refused."""
    prompt = ask(template, [SYSTEM, USER, ANSWER, LATER_SYSTEM, NEXT_USER])
    if prompt is None:
        return False
    return not 0 <= prompt.find("sysalpha") < prompt.find("answergamma") < prompt.find("sysomega")
