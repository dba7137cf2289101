"""Compiling and rendering a model's own chat template, as Hugging Face transformers does.

https://huggingface.co/docs/transformers/chat_templating_writing: sandboxed, `trim_blocks`, `lstrip_blocks`,
loop controls, `generation` blocks, `tojson` without HTML escaping, `raise_exception`, `strftime_now`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType

import jinja2

from ..errors import PromptFormatError
from ..template_input import Message, TemplateInput
from .code import MeteredContext
from .environment import ChatTemplateEnvironment
from .limits import DEFAULT_LIMITS, LONGEST_SOURCE, LimitExceededError, RenderLimits
from .meter import Meter


def render_template(source: str, template_input: TemplateInput, limits: RenderLimits = DEFAULT_LIMITS) -> str:
    """The prompt that the template makes.

    Raises:
        PromptFormatError: see `prompt_format.render`; it names the message at fault if there is one.
    """
    template = compiled(source)
    # The names that transformers passes; templates test `documents` without asking whether it is defined.
    variables = {
        "strftime_now": template_input.strftime_now,
        "documents": None,
        **template_input.special_tokens,
        **template_input.variables,
        # Last, so that no variable takes their place.
        "messages": template_input.messages,
        "tools": template_input.tools,
        "add_generation_prompt": template_input.add_generation_prompt,
    }
    try:
        # `template.render` would do the same, but has no place for the meter.
        context = template.new_context(variables)
        assert isinstance(context, MeteredContext)
        context.meter = Meter(limits, _content_characters(template_input.messages))
        return "".join(template.root_render_func(context))
    except Exception as error:  # a template can fail in any way that Python code can
        raise _refusal(error, template_input.messages) from error


@lru_cache(maxsize=32)
def compiled(source: str) -> jinja2.Template:
    """The template, compiled once per process. Raises PromptFormatError where it is not Jinja."""
    if len(source) > LONGEST_SOURCE:
        raise PromptFormatError(
            f"the chat template has {len(source)} characters, more than {LONGEST_SOURCE}.", broken=True
        )
    try:
        return _environment().from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise PromptFormatError(
            f"the chat template does not compile: line {error.lineno}: {error.message}", broken=True
        ) from error
    except jinja2.exceptions.SecurityError as error:
        raise PromptFormatError(f"the chat template was stopped: {error}.", broken=True) from error
    except Exception as error:  # Python refuses to compile what Jinja made of it, or it nests too deeply
        raise PromptFormatError(f"the chat template does not compile: {type(error).__name__}", broken=True) from error


@lru_cache(maxsize=1)
def _environment() -> ChatTemplateEnvironment:
    return ChatTemplateEnvironment()


def _content_characters(messages: Sequence[Message]) -> int:
    characters = 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            characters += len(content)
    return characters


def _refusal(error: Exception, messages: Sequence[Message]) -> PromptFormatError:
    """What to tell of an error in a template."""
    if isinstance(error, LimitExceededError):
        return PromptFormatError(f"the chat template was stopped: {error}.", broken=True)
    if isinstance(error, RecursionError):
        return PromptFormatError("the chat template was stopped: it nests too deeply.", broken=True)
    if isinstance(error, jinja2.exceptions.SecurityError):
        return PromptFormatError(f"the chat template was stopped: {str(error).rstrip('.')}.", broken=True)
    param = None
    index = _message_at_fault(error.__traceback__, messages)
    if index is not None:
        param = f"messages[{index}]"
    deliberate = type(error) is jinja2.TemplateError  # what `raise_exception` raises; Jinja's own are subclasses
    reason = str(error) or type(error).__name__
    return PromptFormatError(
        f"the chat template refuses the conversation: {reason}", param=param, broken=not deliberate
    )


def _message_at_fault(traceback: TracebackType | None, messages: Sequence[Message]) -> int | None:
    """Index of the message that the innermost template code was working on when it failed.

    A template only says that something is wrong, not where. Its loop variables are local variables of the compiled
    function, so the frames of the traceback tell which message was at hand.
    """
    index_of = {id(message): index for index, message in enumerate(messages)}
    at_fault = None
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename == "<template>":
            for value in frame.f_locals.values():
                if id(value) in index_of:
                    at_fault = index_of[id(value)]
        traceback = traceback.tb_next
    return at_fault
