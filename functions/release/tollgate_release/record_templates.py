"""What a variant's chat template does to a conversation, found by rendering: part of checking a model record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate_layer import prompt_format
from tollgate_layer.inference import template_check
from tollgate_layer.inference.record_check import RESERVED_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tollgate_layer.inference.json_text import JsonObject
    from tollgate_layer.inference.record import Variant

# Every word that a probe of a role must find again in its prompt.
_ROLES: Sequence[tuple[str, Sequence[JsonObject], Sequence[str]]] = (
    ("system", (template_check.SYSTEM, template_check.USER), ("sysprobe", "userprobe")),
    (
        "assistant",
        (template_check.USER, template_check.ANSWER, template_check.NEXT_USER),
        ("userprobe", "answerprobe", "nextprobe"),
    ),
)
_TOOL_TURNS = (template_check.USER, template_check.CALL, template_check.RESULT)
_TOKEN_NAME = re.compile(r"\b((?:bos|eos|unk|pad|sep|cls)_token)\b")


class Findings(NamedTuple):
    """Sentences about a record: why it cannot be deployed, and what in it may not be meant."""

    problems: list[str]
    warnings: list[str]


def look_at_template(variant: Variant, place: str) -> Findings:
    """Render short conversations with a variant's template; `place` is the variant's (`variants[0]`).

    A template that refuses a role by `raise_exception` says so to clients: that is a warning. One that breaks for a
    role, or leaves its text out, would answer as if nothing had been said: that is a problem.
    """
    template = variant.chat_template
    if template is None:
        return Findings([], _unused_settings(variant, place))
    problems: list[str] = []
    warnings: list[str] = []
    findings = Findings(problems, warnings)
    at = f"{place}.chat_template"
    reserved = RESERVED_VARIABLES & (variant.template_variables.keys() | variant.special_tokens.keys())
    if reserved:
        # Told already, and nothing can be rendered with them: look at the template without.
        variant = variant._replace(
            template_variables=_without(variant.template_variables, reserved),
            special_tokens=_without(variant.special_tokens, reserved),
        )
    fault = template_check.template_fault(variant)
    if fault is not None:
        problems.append(f"{at}: {fault}")
        return findings
    for role, messages, words in _ROLES:
        _judge(template_check.probe(variant, messages), words, f"{at}: {_CONVERSATION[role]}", findings)
    if not problems:
        _look_at_length(variant, at, findings)
    family = prompt_format.family(template, variant.special_tokens)
    syntax = None if variant.tool_calls == "none" else variant.tool_calls or family.tool_calls
    if syntax is not None:
        _look_at_tools(variant, at, findings)
    _look_at_tokens(variant, place, findings)
    return findings


_CONVERSATION = {
    "system": "A conversation with a system message",
    "assistant": "A conversation with an earlier answer",
    "tools": "A conversation with tools",
    "tool": "A conversation with a tool call and its result",
}


def _look_at_tools(variant: Variant, at: str, findings: Findings) -> None:
    offered = _probe_with_tools(variant, (template_check.USER,))
    _judge(offered, ("userprobe", "toolprobe"), f"{at}: {_CONVERSATION['tools']}", findings)
    if offered.error is not None and offered.error.broken:
        return  # with a call it would break in the same way
    called = _probe_with_tools(variant, _TOOL_TURNS)
    words = ("userprobe", "keyprobe", "valueprobe", "resultprobe")
    _judge(called, words, f"{at}: {_CONVERSATION['tool']}", findings)


def _probe_with_tools(variant: Variant, messages: Sequence[JsonObject]) -> template_check.Probe:
    made = template_check.probe(variant, messages, with_tools=True)
    if made.error is not None and template_check.names_syntax(variant):
        # The record is believed, so requests with tools are rendered all the same: do they break the template?
        believed = template_check.probe(variant, messages, with_tools=True, knows_calls=True)
        if believed.error is not None and believed.error.broken:
            return believed
    return made


_LONG_TEXT = " ".join(f"longprobe{number}x" for number in range(2000))
_LONG_TURNS = 40


def _look_at_length(variant: Variant, at: str, findings: Findings) -> None:
    """Warn of a template that shortens: a chat that it shortens is refused, since the model would not read all."""
    long_text = ({"role": "user", "content": _LONG_TEXT},)
    made = template_check.probe(variant, long_text)
    if made.error is not None or _LONG_TEXT not in made.prompt:
        findings.warnings.append(f"{at}: It cuts or changes a long text: clients that send one are refused.")
    turns: list[JsonObject] = []
    for number in range(_LONG_TURNS):
        turns.append({"role": "user", "content": f"askprobe{number}x"})
        turns.append({"role": "assistant", "content": f"sayprobe{number}x"})
    turns.append(template_check.NEXT_USER)
    made = template_check.probe(variant, turns)
    if made.error is None and not all(turn["content"] in made.prompt for turn in turns):
        findings.warnings.append(
            f"{at}: It leaves out messages of a long conversation: clients' long chats are refused."
        )


_MEANING = {
    "sysprobe": "the system text",
    "userprobe": "what the user says",
    "answerprobe": "the earlier answer",
    "nextprobe": "what the user says next",
    "toolprobe": "the tools",
    "keyprobe": "the call's arguments",
    "valueprobe": "the call's arguments",
    "resultprobe": "the tool's result",
}


def _judge(made: template_check.Probe, words: Sequence[str], conversation: str, findings: Findings) -> None:
    if made.error is not None:
        sentence = f"{conversation} cannot be rendered: {template_check.reason_of(made.error)}"
        if made.error.broken:
            findings.problems.append(sentence)
        else:
            findings.warnings.append(sentence)
        return
    lost: list[str] = []
    for word in words:
        if word not in made.prompt and _MEANING[word] not in lost:
            lost.append(_MEANING[word])
    if lost:
        findings.problems.append(f"{conversation} loses {' and '.join(lost)}: the model would never read it.")


def _look_at_tokens(variant: Variant, place: str, findings: Findings) -> None:
    """Warn of a special token that the template writes and the record does not give: it would be written as nothing."""
    assert variant.chat_template is not None
    if variant.chat_template in prompt_format.BUILT_INS:
        return
    for name in sorted(set(_TOKEN_NAME.findall(variant.chat_template))):
        if name not in variant.special_tokens and name not in variant.template_variables:
            findings.warnings.append(
                f"{place}.special_tokens: the chat template writes {name}, which is not given: nothing is written "
                "there. Copy its text from tokenizer_config.json."
            )


def _unused_settings(variant: Variant, place: str) -> list[str]:
    """Warn of what only a chat template in the record would use."""
    return [
        f"{place}.{field}: without a chat_template in the record nothing uses it."
        for field in ("template_variables", "server_adds_bos")
        if getattr(variant, field)
    ]


def _without(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
