"""What a server and a parser must know about a chat template, beside the prompt it renders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .builtin import BUILT_INS
from .conversation import token_texts
from .probing import ANSWER, NEXT_USER, USER, ask, call_shape, offers_tools, tool_prompt
from .rendering import check_template

CONTROL_TOKEN = re.compile(
    r"<\|[^|<>\s]{1,60}\|>|<｜[^｜<>\s]{1,60}｜>|<<?/?SYS>>|</?s>|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|unk|pad)>|\[/?[A-Z][A-Z_]{2,}\]"
)
"""What control tokens look like in the families that Bedrock imports: `<|im_end|>`, `</s>`, `[/INST]` …"""


class Family(NamedTuple):
    """A template's habits. Built-in formats and models' own templates are read in the same way."""

    name: str
    """The built-in's name; for Jinja source the kind it is of (`chatml`, `llama3`, `mistral` …, or `jinja`)."""
    stop: tuple[str, ...]
    """Texts that end the assistant's turn."""
    writes_bos: bool
    """The prompt begins with the beginning-of-sequence token."""
    tool_calls: str | None
    """How calls come out, a `CompletionParser` syntax: `hermes`, `mistral`, `llama3_json`, or None for no tools."""
    reasoning: bool
    """The model may write `<think>` blocks."""
    opens_reasoning: bool
    """The prompt itself ends in `<think>`."""
    bos_token: str | None
    """The beginning-of-sequence token, where the format has one."""
    tokenizer_adds_bos: bool = False
    """Whether the server's tokenizer is taken to add it once more, unless the model record says so."""


def family(template: str, special_tokens: Mapping[str, Any] | None = None) -> Family:
    """The habits of a built-in format or of a Jinja chat template.

    Raises:
        PromptFormatError: no built-in has this name, or the template does not compile.
    """
    built_in = BUILT_INS.get(template)
    defaults = built_in.special_tokens if built_in else {}
    tokens = {**defaults, **token_texts(special_tokens)}
    return _family(template, tuple(sorted((name, text) for name, text in tokens.items() if isinstance(text, str))))


@lru_cache(maxsize=64)
def _family(template: str, token_items: tuple[tuple[str, str], ...]) -> Family:
    tokens = dict(token_items)
    check_template(template)
    prompt = ask(template, [USER], special_tokens=tokens) or ""
    bos = tokens.get("bos_token") or None
    syntax = _call_syntax(template) if offers_tools(template) else None
    return Family(
        name=template if template in BUILT_INS else _kind(template, prompt),
        stop=_stop(template, tokens),
        writes_bos=bool(bos and prompt.startswith(bos)),
        tool_calls=syntax,
        reasoning=_reasons(template),
        opens_reasoning=opens_reasoning(prompt),
        bos_token=bos,
    )


def opens_reasoning(prompt: str) -> bool:
    """Whether a completion of this prompt begins inside a `<think>` block."""
    return prompt.rstrip().endswith("<think>")


_KINDS = (
    ("<|im_start|>", "chatml"),
    ("<|start_header_id|>", "llama3"),
    ("<|channel|>", "harmony"),
    ("<｜User｜>", "deepseek"),
    ("<start_of_turn>", "gemma"),
    ("<|user|>", "zephyr"),
    ("[SYSTEM_PROMPT]", "mistral"),
    ("<<SYS>>", "llama2"),
    ("[INST]", "mistral"),
)


def _kind(source: str, prompt: str) -> str:
    return next((name for mark, name in _KINDS if mark in prompt or mark in source), "jinja")


def _stop(template: str, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """The control token right behind an answer, and those that the family ends a turn with in other cases."""
    if "<|return|>" in template:
        return ("<|return|>", "<|call|>")  # gpt-oss ends only parts of an answer with <|end|>
    prompt = ask(template, [USER, ANSWER, NEXT_USER], special_tokens=tokens, add_generation_prompt=False) or ""
    _, _, behind = prompt.partition("answergamma")
    found = CONTROL_TOKEN.match(behind.lstrip())
    stops = [found.group()] if found else []
    eos = tokens.get("eos_token")
    if eos and eos not in stops:
        stops.append(eos)
    if "<|eot_id|>" in stops and call_shape(template) is not None:
        stops.append("<|eom_id|>")
    return tuple(stops)


def _call_syntax(template: str) -> str | None:
    before, _, _ = tool_prompt(template).partition('{"keylambda": "valuenu"}')
    if "[TOOL_CALLS]" in before:
        return "mistral"
    if re.search(r"<tool_call>\s*\{[^{}]*$", before):
        return "hermes"
    return "llama3_json" if before.endswith('"parameters": ') else None


def _reasons(template: str) -> bool:
    if template in BUILT_INS:
        return template in ("qwq", "qwen3", "qwen3-thinking", "deepseek-r1")
    return "</think>" in template or "<think>" in template
