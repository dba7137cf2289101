"""Messages to prompt: the one entry, for built-in formats and models' own Jinja templates alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .builtin import BUILT_INS
from .errors import PromptFormatError
from .template_input import Message, TemplateInput, Tool, token_texts

if TYPE_CHECKING:
    from datetime import datetime


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
    r"""The exact prompt that a model reads for a conversation.

    >>> render([{"role": "user", "content": "Hi"}], template="chatml")
    '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'

    Args:
        messages: plain JSON objects; see `normalise` for the step from OpenAI's request shapes.
        template: the name of a built-in format (`BUILT_INS`) or the source of a Jinja chat template, which
            renders byte for byte as Hugging Face transformers' `apply_chat_template` does.
        tools: JSON schemas of functions. An empty list is not the same as None to some templates.
        special_tokens: texts of `bos_token`, `eos_token` …; built-ins have defaults for theirs.
        add_generation_prompt: open the assistant's turn at the end.
        continue_final_message: leave the last message open, so that the model continues it.
        now: the time that chat templates print (`strftime_now`); the clock if None.
        template_variables: everything else a template may read (`enable_thinking`, `documents` …).

    Raises:
        PromptFormatError: the template refuses the conversation (naming the message at fault), does not
            compile, or does more work than its limits allow.
    """
    # Formats and templates read fields of every message without looking at its type.
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise PromptFormatError("must be an object.", param=f"messages[{index}]")
    continuation = None
    if continue_final_message:
        from .continuation import Continuation  # few requests continue a message

        continuation = Continuation(messages, template)
        messages = continuation.messages
    template_input = TemplateInput(
        _with_reasoning_names(messages),
        tools,
        with_default_tokens(template, special_tokens),
        add_generation_prompt,
        now,
        template_variables,
    )
    if template in BUILT_INS:
        prompt = _render_built_in(template, template_input)
    else:
        prompt = _render_jinja(template, template_input)
    if continuation is not None:
        return continuation.cut(prompt)
    return prompt


def with_default_tokens(template: str, special_tokens: Mapping[str, Any] | None) -> dict[str, Any]:
    """The texts of special tokens by name: the record's, and a built-in's own where the record has none."""
    texts = token_texts(special_tokens)
    built_in = BUILT_INS.get(template)
    if built_in is not None:
        return {**built_in.special_tokens, **texts}
    return texts


def check_template(template: str) -> None:
    """Raises PromptFormatError if this is neither a built-in's name nor Jinja source that compiles."""
    if template in BUILT_INS:
        return
    # Text without any Jinja would render as the same prompt for everybody: it is a mistyped name.
    if "{{" not in template and "{%" not in template:
        raise PromptFormatError(
            f"{template!r} is no built-in chat template; there are {', '.join(BUILT_INS)}. "
            "A model's own template is given as its Jinja source.",
            broken=True,
        )
    from .jinja.template import compiled  # imports Jinja, which built-ins do without

    compiled(template)


def _render_built_in(name: str, template_input: TemplateInput) -> str:
    try:
        return BUILT_INS[name].render(template_input)
    except (AttributeError, KeyError, TypeError) as error:
        # Formats read tools and calls without checking each field first; here one was missing or of another type.
        raise PromptFormatError(f"the conversation lacks what the format shows: {error}", broken=True) from error


def _render_jinja(source: str, template_input: TemplateInput) -> str:
    check_template(source)
    from .jinja.template import render_template

    return render_template(source, template_input)


# Names that servers and templates give to the reasoning of an earlier answer.
_REASONING_FIELDS = ("reasoning_content", "thinking", "reasoning")


def _with_reasoning_names(messages: Sequence[Message]) -> Sequence[Message]:
    """Earlier reasoning under each name that templates read it by, as transformers does."""
    renamed = list(messages)
    for index, message in enumerate(messages):
        for field in _REASONING_FIELDS:
            if message.get(field) is not None:
                reasoning = message[field]
                renamed[index] = {"thinking": reasoning, **message, "reasoning_content": reasoning}
                break
    return renamed
