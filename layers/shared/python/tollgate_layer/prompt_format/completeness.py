"""Whether a prompt says everything that the conversation says.

Templates drop what they have no place for without a word: Llama 2 a tool's result, many a message behind an odd role.
A model that answers to half of a conversation is worse than a refusal, so the prompt is searched for every text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .builtin import BUILT_INS
from .errors import PromptFormatError
from .template_input import Message

_MOST_PASSES = 16
"""How often the search may begin again at the front. The first pass finds all texts that stand in the messages'
order; system texts are moved, which takes one or two more. More would make long conversations slow."""


def check_complete(messages: Sequence[Message], prompt: str, *, template: str) -> None:
    """Refuse a conversation of which the prompt lacks a text.

    A chat template that does not read messages at all, but only documents or variables, does so on purpose.

    Args:
        messages: as they were given to `render`, that is normalised and defused.
        prompt: what it made of them. White space around a text may be gone, the text may be written as JSON, and
            the reasoning in front of an earlier answer may be dropped, since reasoning families do so on purpose.
        template: what rendered it.

    Raises:
        PromptFormatError: it names the message.
    """
    if template not in BUILT_INS and "messages" not in template:
        return
    position = 0
    passes = 1
    for index, message in enumerate(messages):
        spellings = list(_spellings(message))
        if not spellings:
            continue
        end = _found_behind(prompt, spellings, position)
        if end < 0 and passes < _MOST_PASSES:
            passes += 1
            end = _found_behind(prompt, spellings, 0)
        if end < 0:
            raise PromptFormatError(
                f"this model's chat template has no place for this {message.get('role')} message.",
                param=f"messages[{index}]",
            )
        position = end


def _found_behind(prompt: str, spellings: Sequence[str], position: int) -> int:
    """Where the first of the spellings ends that stands behind `position`; -1 where none does."""
    for spelling in spellings:
        found = prompt.find(spelling, position)
        if found >= 0:
            return found + len(spelling)
    return -1


def _spellings(message: Mapping[str, Any]) -> Iterator[str]:
    """How a message's text may stand in the prompt; nothing where it has none."""
    text = _text(message.get("content")).strip()
    if not text:
        return
    yield text
    as_json = json.dumps(text, ensure_ascii=False)[1:-1]
    if as_json != text:
        yield as_json
    if message.get("role") == "assistant" and "</think>" in text:
        answer = text.rpartition("</think>")[2].strip()
        # An answer that is reasoning and nothing else may go altogether; the empty text is in every prompt.
        yield answer


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for part in content or ():
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return "".join(texts)
