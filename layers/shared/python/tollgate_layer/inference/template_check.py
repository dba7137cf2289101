"""Whether a record's chat template can be used, and whether it or the conversation is to blame for an error.

A chat template only says that something is wrong, so it is asked again, with plain made-up conversations
(docs/decisions/0170).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tollgate_layer import prompt_format
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.record_check import RESERVED_VARIABLES

if TYPE_CHECKING:
    from tollgate_layer.inference.record import Variant

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

# The plainest conversations that there are. A chat template may refuse some of them by `raise_exception`; not all.
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
    """Whether a text does not compile as a chat template. Kept, since it would be compiled again for every request."""
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
    return _breaks(key, roles, bool(tools), names_syntax(variant))


def names_syntax(variant: Variant) -> bool:
    """Whether the record says how the model writes calls: then its template gets tools even if it shows none."""
    return variant.tool_calls not in (None, "none")


def probe(
    variant: Variant, messages: Sequence[JsonObject], *, with_tools: bool = False, knows_calls: bool = False
) -> Probe:
    """What the variant's template makes of a conversation, on the way that requests take; see `normalise`."""
    return _probe(_key(variant), messages, with_tools=with_tools, knows_calls=knows_calls)


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
def _breaks(template: _Template, roles: frozenset[str], with_tools: bool, knows_calls: bool) -> bool:
    """Whether the template breaks for a plain conversation of these roles."""
    conversation: list[JsonObject] = []
    if roles & {"system", "developer"}:
        conversation.append(SYSTEM)
    conversation.append(USER)
    if "tool" in roles:
        conversation += [CALL, RESULT]
    if "assistant" in roles:
        conversation += [ANSWER, NEXT_USER]
    error = _probe(template, conversation, with_tools=with_tools, knows_calls=knows_calls).error
    return error is not None and error.broken


def _probe(
    template: _Template, messages: Sequence[JsonObject], *, with_tools: bool = False, knows_calls: bool = False
) -> Probe:
    variables = json.loads(template.variables)
    if RESERVED_VARIABLES & variables.keys():
        return Probe(error=prompt_format.PromptFormatError("template_variables take reserved names.", broken=True))
    special_tokens = dict(template.special_tokens)
    try:
        plain, tools = prompt_format.normalise(
            messages, template=template.source, tools=[_TOOL] if with_tools else None, knows_calls=knows_calls
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
