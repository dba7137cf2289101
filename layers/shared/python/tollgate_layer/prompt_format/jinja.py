"""Models' own chat templates: Jinja as Hugging Face transformers sets it up, within `jinja_limits`.

https://huggingface.co/docs/transformers/chat_templating_writing: sandboxed, `trim_blocks`, `lstrip_blocks`,
loop controls, `generation` blocks, `tojson` without HTML escaping, `raise_exception`, `strftime_now`.
Imported only when a model brings a template of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import FrameType, TracebackType

import jinja2

from .conversation import Conversation, Message
from .errors import PromptFormatError
from .jinja_code import MeteredContext
from .jinja_environment import ChatTemplateEnvironment
from .jinja_limits import CHARACTERS, WORKING_COPIES, LimitExceededError, Meter

LONGEST_SOURCE = 256 * 1024
"""Characters of template source; the longest public ones have 20,000."""


def render(source: str, conversation: Conversation) -> str:
    """The prompt, as `prompt_format.render`. Raises PromptFormatError, naming the message at fault if there is one."""
    template = compiled(source)
    variables = {
        "strftime_now": conversation.strftime_now,
        "documents": None,
        **conversation.special_tokens,
        **conversation.variables,
        "messages": conversation.messages,
        "tools": conversation.tools,
        "add_generation_prompt": conversation.add_generation_prompt,
    }
    try:
        context = template.new_context(variables)
        assert isinstance(context, MeteredContext)
        context.meter = Meter(CHARACTERS + WORKING_COPIES * _size(conversation.messages))
        return "".join(template.root_render_func(context))
    except Exception as error:
        raise _refusal(error, conversation.messages) from error


@lru_cache(maxsize=32)
def compiled(source: str) -> jinja2.Template:
    """The template, compiled once per process. Raises PromptFormatError where it is not Jinja."""
    if len(source) > LONGEST_SOURCE:
        raise PromptFormatError(f"the chat template has {len(source)} characters, more than {LONGEST_SOURCE}.")
    try:
        return _environment().from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise PromptFormatError(f"the chat template does not compile: line {error.lineno}: {error.message}") from error
    except Exception as error:  # Python refuses to compile what Jinja made of it, or it nests too deeply
        raise PromptFormatError(f"the chat template does not compile: {type(error).__name__}") from error


@lru_cache(maxsize=1)
def _environment() -> ChatTemplateEnvironment:
    return ChatTemplateEnvironment()


def _size(messages: Sequence[Message]) -> int:
    return sum(len(content) for message in messages if isinstance(content := message.get("content"), str))


def _refusal(error: Exception, messages: Sequence[Message]) -> PromptFormatError:
    if isinstance(error, LimitExceededError):
        return PromptFormatError(f"the chat template was stopped: {error}.")
    if isinstance(error, RecursionError):
        return PromptFormatError("the chat template was stopped: it nests too deeply.")
    if isinstance(error, jinja2.exceptions.SecurityError):
        return PromptFormatError(f"the chat template was stopped: {str(error).rstrip('.')}.")
    index = _message_at_fault(error.__traceback__, messages)
    reason = str(error) or type(error).__name__
    return PromptFormatError(
        f"the chat template refuses the conversation: {reason}", param=None if index is None else f"messages[{index}]"
    )


def _message_at_fault(traceback: TracebackType | None, messages: Sequence[Message]) -> int | None:
    """The message that the innermost template code had in hand when it failed."""
    position = {id(message): index for index, message in enumerate(messages)}
    fault = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            in_hand = _in_hand(traceback.tb_frame, position)
            fault = in_hand if in_hand is not None else fault
        traceback = traceback.tb_next
    return fault


def _in_hand(frame: FrameType, position: dict[int, int]) -> int | None:
    found = [position[id(value)] for value in frame.f_locals.values() if id(value) in position]
    return found[-1] if found else None
