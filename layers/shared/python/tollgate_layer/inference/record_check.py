"""What is wrong with a model record beyond its shape, and whether the record or the client is to blame.

The record's author is the operator of the account. What only they can mend is `model_misconfigured`, never a client's
400: `tollgate record` tells them every fault in words, a request only that there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tollgate_layer import prompt_format
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.prompt_format.prompts import variable_names

if TYPE_CHECKING:
    from tollgate_layer.inference.record import ModelRecord, ServerPrompt, Variant

RESERVED_VARIABLES = frozenset(
    {
        "add_generation_prompt",
        "continue_final_message",
        "messages",
        "now",
        "raise_exception",
        "special_tokens",
        "strftime_now",
        "template",
        "tools",
    }
)
"""Names by which the prompt itself is made: no variable of a record or a client can take them."""

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class RecordFault(NamedTuple):
    """What is wrong with a record: where (`variants[0].chat_template`), and why, as a sentence for its author."""

    place: str
    reason: str


def record_faults(record: ModelRecord) -> list[RecordFault]:
    """The faults for which no request to the model can be served as its record means it.

    All of them are cheap to find. Chat templates are not looked at: see `template_fault`.
    """
    faults = []
    if sum(variant.weight for variant in record.variants) == 0:
        faults.append(RecordFault("variants", "All weights are 0, so no variant gets a request."))
    for index, variant in enumerate(record.variants):
        faults += _name_faults(variant, f"variants[{index}]")
        if record.prompt is not None and variant.chat_template is None and variant.body_format != "openai":
            reason = f"Without one, body_format {variant.body_format} takes no messages, and prompt makes messages."
            faults.append(RecordFault(f"variants[{index}].chat_template", reason))
    if record.prompt is not None:
        faults += _prompt_faults(record.prompt)
    return faults


def _name_faults(variant: Variant, place: str) -> Iterator[RecordFault]:
    """Variables and special tokens whose names the request itself gives to the chat template."""
    reason = "The request itself has this name: a record cannot set it."
    for name in variant.template_variables:
        if name in RESERVED_VARIABLES:
            yield RecordFault(f"{place}.template_variables.{name}", reason)
    for name in variant.special_tokens:
        if name in RESERVED_VARIABLES:
            yield RecordFault(f"{place}.special_tokens.{name}", reason)


def _prompt_faults(prompt: ServerPrompt) -> Iterator[RecordFault]:
    for part, text in prompt._asdict().items():
        for found in _PLACEHOLDER.findall(text or ""):
            try:
                variable_names({part: found})
            except prompt_format.PromptFormatError:
                shown = found if len(found) <= 80 else f"{found[:77]}…"
                yield RecordFault(f"prompt.{part}", f"{shown} does not hold a variable's name.")


# --- chat templates ----------------------------------------------------------------------------------------------

# Words that occur in no template, so that finding them in a prompt is certain.
SYSTEM = {"role": "system", "content": "sysprobe"}
USER = {"role": "user", "content": "userprobe"}
ANSWER = {"role": "assistant", "content": "answerprobe"}
NEXT_USER = {"role": "user", "content": "nextprobe"}
_TOOL = {
    "type": "function",
    "function": {
        "name": "toolprobe",
        "description": "Answers a probe.",
        "parameters": {"type": "object", "properties": {"keyprobe": {"type": "string"}}},
    },
}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "a1b2c3d4e",
            "type": "function",
            "function": {"name": "toolprobe", "arguments": '{"keyprobe": "valueprobe"}'},
        }
    ],
}
RESULT = {"role": "tool", "tool_call_id": "a1b2c3d4e", "name": "toolprobe", "content": "resultprobe"}

# The plainest conversations that there are. A template may refuse some of them by `raise_exception`; not all.
_PLAIN: Sequence[Sequence[JsonObject]] = (
    (USER,),
    (SYSTEM, USER),
    (USER, ANSWER, NEXT_USER),
    (SYSTEM, USER, ANSWER, NEXT_USER),
)
_PROBE_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Probe(NamedTuple):
    """What a chat template makes of a made-up conversation: a prompt, or an error."""

    prompt: str = ""
    error: prompt_format.PromptFormatError | None = None


class _Template(NamedTuple):
    """A variant's chat template with all that its record gives to it, as a key of a cache."""

    source: str
    special_tokens: tuple[tuple[str, str], ...]
    variables: str
    """A JSON object."""


def check_template(variant: Variant) -> None:
    """Raises ApiError (`model_misconfigured`) where the variant's chat template is not one.

    Before anything else looks at the template, so that nothing that comes later need tell whose fault that is.
    """
    assert variant.chat_template is not None
    if _is_no_template(variant.chat_template):
        raise ApiError("model_misconfigured", upstream="chat_template")


@lru_cache(maxsize=64)
def _is_no_template(template: str) -> bool:
    """Kept, since a template that does not compile would be compiled again for every request."""
    # Here, since records without a chat template never need it.
    from tollgate_layer.prompt_format.rendering import check_template as compile_template

    try:
        compile_template(template)
    except prompt_format.PromptFormatError:
        return True
    return False


def template_fault(variant: Variant) -> str | None:
    """Why no conversation at all can be rendered by the variant's chat template; None where plain ones can.

    It does not compile, it breaks for a single user message or leaves its text out, or it refuses every plain
    conversation.
    """
    return _plain_fault(_key(variant))


def is_templates_fault(
    error: prompt_format.PromptFormatError,
    variant: Variant,
    messages: Sequence[JsonObject],
    tools: Sequence[JsonObject] | None,
) -> bool:
    """Whether an error of rendering a conversation is the record's and not the conversation's.

    A template that means to refuse, by `raise_exception`, speaks of the conversation. One that breaks is asked for a
    plain conversation with the same roles: if it breaks there as well, nothing that the client wrote is the reason.
    The answers are kept, so that a broken template costs a request no more than one that works.
    """
    key = _key(variant)
    if _plain_fault(key) is not None:
        return True
    if not error.broken:
        return False
    roles = frozenset(str(message.get("role")) for message in messages)
    return _breaks(key, roles, bool(tools))


def probe(variant: Variant, messages: Sequence[JsonObject], *, with_tools: bool = False) -> Probe:
    """What the variant's template makes of a conversation, on the way that requests take."""
    return _probe(_key(variant), messages, with_tools=with_tools)


def _key(variant: Variant) -> _Template:
    assert variant.chat_template is not None
    tokens = tuple(sorted(variant.special_tokens.items()))
    return _Template(variant.chat_template, tokens, json.dumps(variant.template_variables, sort_keys=True))


@lru_cache(maxsize=64)
def _plain_fault(template: _Template) -> str | None:
    probes = []
    for conversation in _PLAIN:
        probes.append(_probe(template, conversation))
    first = probes[0].error
    if first is None:
        if "userprobe" not in probes[0].prompt:
            return "It leaves out what the user says."
        return None
    if first.broken or all(made.error is not None for made in probes):
        return reason_of(first)
    return None


@lru_cache(maxsize=256)
def _breaks(template: _Template, roles: frozenset[str], with_tools: bool) -> bool:
    """Whether the template breaks for a plain conversation of these roles."""
    conversation: list[JsonObject] = []
    if roles & {"system", "developer"}:
        conversation.append(SYSTEM)
    conversation.append(USER)
    if "tool" in roles:
        conversation += [CALL, RESULT]
    if "assistant" in roles:
        conversation += [ANSWER, NEXT_USER]
    error = _probe(template, conversation, with_tools=with_tools).error
    return error is not None and error.broken


def _probe(template: _Template, messages: Sequence[JsonObject], *, with_tools: bool = False) -> Probe:
    variables = json.loads(template.variables)
    if RESERVED_VARIABLES & variables.keys():
        return Probe(error=prompt_format.PromptFormatError("template_variables take reserved names.", broken=True))
    special_tokens = dict(template.special_tokens)
    try:
        plain, tools = prompt_format.normalise(
            messages, template=template.source, tools=[_TOOL] if with_tools else None
        )
        prompt = prompt_format.render(
            plain,
            template=template.source,
            tools=tools,
            special_tokens=special_tokens,
            now=_PROBE_TIME,
            **variables,
        )
    except prompt_format.PromptFormatError as error:
        # Without what it was raised from, whose frames would keep every value of the failed render in memory.
        error.__cause__ = error.__context__ = None
        return Probe(error=error.with_traceback(None))
    return Probe(prompt)


def reason_of(error: prompt_format.PromptFormatError) -> str:
    """An error's reason, without the place that it has in the probe's conversation."""
    reason = str(error)
    if error.param:
        reason = reason.removeprefix(f"{error.param}: ")
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
