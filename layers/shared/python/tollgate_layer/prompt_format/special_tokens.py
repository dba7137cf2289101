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

from .conversation import Message, token_texts
from .families import CONTROL_TOKEN
from .probing import ANSWER, NEXT_USER, SYSTEM, USER, ask, tool_prompt

_TREATED_ROLES = ("user", "tool")


def neutralise(
    messages: Sequence[Message], *, template: str, special_tokens: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The messages with special-token text in user and tool content made harmless.

    System and assistant texts stay as they are, and so does every text without such a token. Content may be
    a string or a list of parts.
    """
    tokens = tuple(sorted(_strings(list(token_texts(special_tokens).values()))))
    pattern = _pattern(template, tokens)
    return [
        {**message, "content": _neutral(message["content"], pattern)}
        if message.get("role") in _TREATED_ROLES and message.get("content")
        else dict(message)
        for message in messages
    ]


def _strings(tokens: list[Any]) -> list[str]:
    """The texts in a list, and in lists in it (`additional_special_tokens`)."""
    nested = [_strings(token) if isinstance(token, list) else [str(token)] for token in tokens]
    return [text for texts in nested for text in texts]


def _neutral(content: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(content, str):
        return pattern.sub(_spaced, content)
    if isinstance(content, list):
        return [
            {**part, "text": pattern.sub(_spaced, part["text"])} if isinstance(part.get("text"), str) else part
            for part in content
        ]
    return content


def _spaced(token: re.Match[str]) -> str:
    text = token.group()
    return f"{text[0]} {text[1:]}"


@lru_cache(maxsize=64)
def _pattern(template: str, special_tokens: tuple[str, ...]) -> re.Pattern[str]:
    """What counts as a special token under this template: the tokens that the record names, those that the
    template writes, and everything else of their shape, since the tokenizer knows more than the template uses."""
    written = ask(template, [SYSTEM, USER, ANSWER, NEXT_USER]) or ask(template, [USER, ANSWER, NEXT_USER]) or ""
    text = f"{template}\n{written}\n{tool_prompt(template)}"
    named = {*CONTROL_TOKEN.findall(text), *special_tokens}
    named |= {mark for mark in ("<tool_response>", "</tool_response>") if mark in text}
    shapes = [shape for sample, shape in _SHAPES if any(re.fullmatch(sample, token) for token in named)]
    alternatives = [re.escape(token) for token in sorted(named, key=len, reverse=True) if len(token) > 1]
    return re.compile("|".join([*shapes, *alternatives]) or r"(?!)")


_SHAPES = (
    (r"<\|.*\|>", r"<\|[^|<>\s]{1,60}\|>"),
    (r"<｜.*｜>", r"<｜[^｜<>\s]{1,60}｜>"),
)
