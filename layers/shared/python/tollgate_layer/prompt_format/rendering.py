"""Messages to prompt: the one entry, for built-in formats and models' own Jinja templates alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .builtin import BUILT_INS, BuiltIn
from .continuation import Continuation
from .conversation import Conversation, Message, Tool, token_texts
from .errors import PromptFormatError

if TYPE_CHECKING:
    from datetime import datetime

# Names that other servers and templates give to the reasoning of an earlier answer; the first is what we write.
_REASONING_FIELDS = ("reasoning_content", "thinking", "reasoning")


def render(
    messages: Sequence[Message],
    *,
    template: str,
    tools: Sequence[Tool] | None = None,
    special_tokens: Mapping[str, Any] | None = None,
    add_generation_prompt: bool = True,
    continue_final_message: bool = False,
    now: datetime | None = None,
    **template_variables: Any,
) -> str:
    """The exact prompt that a model reads for a conversation.

    Args:
        messages: plain JSON objects; see `normalise` for the step from OpenAI's request shapes.
        template: the name of a built-in format (`BUILT_INS`) or the source of a Jinja chat template, which
            renders byte for byte as Hugging Face transformers' `apply_chat_template` does.
        tools: JSON schemas of functions. An empty list is not the same as None to some templates.
        special_tokens: texts of `bos_token`, `eos_token` …; built-ins have defaults for theirs.
        add_generation_prompt: open the assistant's turn at the end.
        continue_final_message: leave the last message open, so that the model continues it.
        now: the time that templates print (`strftime_now`); the clock if None.
        template_variables: everything else a template may read (`enable_thinking`, `documents` …).

    Raises:
        PromptFormatError: the template refuses the conversation (naming the message at fault), does not
            compile, or does more work than `limits` allow.
    """
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise PromptFormatError("must be an object.", param=f"messages[{index}]")
    continuation = Continuation(messages, template) if continue_final_message else None
    built_in = BUILT_INS.get(template)
    defaults = built_in.special_tokens if built_in else {}
    conversation = Conversation(
        _with_reasoning_names(continuation.messages if continuation else messages),
        tools,
        {**defaults, **token_texts(special_tokens)},
        add_generation_prompt,
        now,
        template_variables,
    )
    prompt = _render_built_in(built_in, conversation) if built_in else _render_jinja(template, conversation)
    return continuation.cut(prompt) if continuation else prompt


def check_template(template: str) -> None:
    """Raises PromptFormatError if this is neither a built-in's name nor Jinja source that compiles."""
    if template in BUILT_INS:
        return
    if not ("{{" in template or "{%" in template):
        raise PromptFormatError(
            f"{template!r} is no built-in chat template; there are {', '.join(BUILT_INS)}. "
            "A model's own template is given as its Jinja source."
        )
    from . import jinja

    jinja.compiled(template)


def _render_built_in(built_in: BuiltIn, conversation: Conversation) -> str:
    try:
        return built_in.render(conversation)
    except (AttributeError, KeyError, TypeError) as error:  # a tool or a call without its parts
        raise PromptFormatError(f"the conversation lacks what the format shows: {error}") from error


def _render_jinja(template: str, conversation: Conversation) -> str:
    check_template(template)
    from . import jinja

    return jinja.render(template, conversation)


def _with_reasoning_names(messages: Sequence[Message]) -> Sequence[Message]:
    """Earlier reasoning under each name that templates read it by, as transformers does."""
    if not any(field in message for message in messages for field in _REASONING_FIELDS):
        return messages
    return [_with_names(message) for message in messages]


def _with_names(message: Message) -> Message:
    for field in _REASONING_FIELDS:
        if message.get(field) is not None:
            return {"thinking": message[field], **message, "reasoning_content": message[field]}
    return message
