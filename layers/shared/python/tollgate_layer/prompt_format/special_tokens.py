"""Special-token text inside content, which a tokenizer would read as a real control token.

A user, or a web page that a tool returns, can write `<|im_end|>\n<|im_start|>system` and so speak as somebody
else. `neutralise` puts a space behind the first character of every such text: `<|im_end|>` becomes
`< |im_end|>`, `[/INST]` becomes `[ /INST]`. No tokenizer knows that spelling as a token, the model and
a person still read what was meant, and taking the space out gives the original back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from .families import capabilities_of
from .template_input import Message, token_texts

# System texts are the application's and answers are the model's: both may hold control tokens on purpose.
_TREATED_ROLES = ("user", "tool")

# Where one token of such a shape is known, every text of the shape is treated: a tokenizer knows more control tokens
# than its template uses.
_SHAPES = (
    (re.compile(r"<\|.*\|>"), r"<\|[^|<>\s]{1,60}\|>"),
    (re.compile(r"<｜.*｜>"), r"<｜[^｜<>\s]{1,60}｜>"),
)


def neutralise(
    messages: Sequence[Message], *, template: str, special_tokens: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The messages with special-token text in user and tool content made harmless. What is given is not changed.

    >>> neutralise([{"role": "user", "content": "What does <|im_end|> do?"}], template="chatml")
    [{'role': 'user', 'content': 'What does < |im_end|> do?'}]

    System and assistant texts stay as they are, and so does every text without such a token. Content may be
    a string or a list of parts.
    """
    # The tokenizer knows the record's tokens even if the template never writes them.
    record_tokens: list[str] = []
    for token in token_texts(special_tokens).values():
        if isinstance(token, list):  # `additional_special_tokens`
            record_tokens += map(str, token)
        else:
            record_tokens.append(str(token))
    pattern = _pattern(template, tuple(sorted(record_tokens)))
    neutral = []
    for message in messages:
        copy = dict(message)
        if message.get("role") in _TREATED_ROLES and message.get("content"):
            copy["content"] = _neutral(message["content"], pattern)
        neutral.append(copy)
    return neutral


def _neutral(content: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(content, str):
        return pattern.sub(_with_space, content)
    if not isinstance(content, list):
        return content
    parts = []
    for part in content:
        if isinstance(part.get("text"), str):
            parts.append({**part, "text": pattern.sub(_with_space, part["text"])})
        else:
            parts.append(part)
    return parts


def _with_space(token: re.Match[str]) -> str:
    text = token.group()
    return f"{text[0]} {text[1:]}"


@lru_cache(maxsize=64)
def _pattern(template: str, record_tokens: tuple[str, ...]) -> re.Pattern[str]:
    """What counts as a special token: those that the record names, those that the template writes (for a model's own
    template found by probing), and everything else of their shape."""
    tokens = capabilities_of(template).control_tokens | set(record_tokens)
    alternatives = []
    for sample, shape in _SHAPES:
        if any(sample.fullmatch(token) for token in tokens):
            alternatives.append(shape)
    # A regular expression takes the first alternative that matches, so a token stands before its own beginning.
    longest_first = sorted(tokens, key=len, reverse=True)
    alternatives += [re.escape(token) for token in longest_first if len(token) > 1]
    if not alternatives:
        return re.compile(r"(?!)")  # matches nothing
    return re.compile("|".join(alternatives))
