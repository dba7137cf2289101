"""What a server and a parser must know about a chat template, beside the prompt it renders."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .builtin import BUILT_INS
from .rendering import check_template, with_default_tokens

if TYPE_CHECKING:
    from .capabilities import Capabilities
    from .probing import ProbedCapabilities


class Family(NamedTuple):
    """How a model ends its turns, calls tools and reasons. Built-in and own chat templates are described alike."""

    stop: tuple[str, ...]
    """Texts that end the assistant's turn."""
    tool_calls: str | None
    """How calls come out, a `CompletionParser` syntax: `hermes`, `mistral`, `llama3_json`, or None for no tools."""
    reasoning: bool
    """The model may write `<think>` blocks."""
    bos_token: str | None
    """The beginning-of-sequence token, where the format has one."""


def family(template: str, special_tokens: Mapping[str, Any] | None = None) -> Family:
    """The family of a built-in format or of a Jinja chat template.

    >>> family("qwen2.5")
    Family(stop=('<|im_end|>',), tool_calls='hermes', reasoning=False, bos_token=None)

    Raises:
        PromptFormatError: no built-in has this name, or the chat template does not compile.
    """
    texts = []
    for name, text in with_default_tokens(template, special_tokens).items():
        if isinstance(text, str):  # lists of further tokens say nothing about the turn
            texts.append((name, text))
    return _family(template, tuple(sorted(texts)))


# Cached because a model's own template is rendered for it; only what can be hashed can be a key.
@lru_cache(maxsize=64)
def _family(template: str, token_items: tuple[tuple[str, str], ...]) -> Family:
    check_template(template)
    tokens = dict(token_items)
    capabilities = capabilities_of(template)
    tool_calls = None
    # A template may show earlier calls and still have no place for tools: then there is nothing to call.
    if capabilities.offers_tools:
        tool_calls = capabilities.call_syntax
    return Family(
        stop=_stop(template, tokens),
        tool_calls=tool_calls,
        reasoning=capabilities.writes_reasoning,
        bos_token=tokens.get("bos_token") or None,
    )


def capabilities_of(template: str) -> Capabilities | ProbedCapabilities:
    """What a chat template can do: stated by a built-in, found by probing for a model's own template."""
    built_in = BUILT_INS.get(template)
    if built_in is not None:
        return built_in.capabilities
    return _probed(template)


@lru_cache(maxsize=64)
def _probed(template: str) -> ProbedCapabilities:
    """One object per template and process, since it keeps the answers to its probes."""
    from .probing import ProbedCapabilities  # built-ins do without

    return ProbedCapabilities(template)


def opens_reasoning(prompt: str) -> bool:
    """Whether a completion of this prompt begins inside a `<think>` block."""
    return prompt.rstrip().endswith("<think>")


def _stop(template: str, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """The control token right behind an answer, and those that the family ends a turn with in other cases."""
    if "<|return|>" in template:
        return ("<|return|>", "<|call|>")  # gpt-oss ends only parts of an answer with <|end|>
    built_in = BUILT_INS.get(template)
    if built_in is not None:
        end_of_turn = built_in.capabilities.end_of_turn
    else:
        end_of_turn = _probed(template).end_of_turn(tokens)
    stop = []
    if end_of_turn is not None:
        stop.append(end_of_turn)
    eos = tokens.get("eos_token")
    if eos and eos not in stop:
        stop.append(eos)
    # Llama 3.1 ends a turn with <|eom_id|> where it has called a built-in tool and waits for the result.
    if "<|eot_id|>" in stop and capabilities_of(template).call_form is not None:
        stop.append("<|eom_id|>")
    return tuple(stop)
