"""What one rendering is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

Message = Mapping[str, Any]
Tool = Mapping[str, Any]


class TemplateInput(NamedTuple):
    """The messages, and everything else that a chat template may read."""

    messages: Sequence[Message]
    tools: Sequence[Tool] | None
    special_tokens: Mapping[str, Any]
    """Texts by name: `bos_token`, `eos_token` …"""
    add_generation_prompt: bool
    """Whether the prompt ends by opening the assistant's turn."""
    now: datetime | None
    """The request's time; None reads the clock."""
    variables: Mapping[str, Any]
    """Further variables, such as `enable_thinking`."""

    def strftime_now(self, form: str) -> str:
        """The request's time as text. Templates call it under this name, as in transformers."""
        now = self.now
        if now is None:
            # Most requests bring their time or use a template without one: they need not load datetime.
            from datetime import datetime

            now = datetime.now()  # noqa: DTZ005 - templates print the local date, as in transformers
        return now.strftime(form)


def part_text(part: Any) -> str | None:
    """What a part of a content says: the text of a text part or of a refusal; None for any other part.

    These are the parts that follow each other in a prompt without a separator.
    """
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get(kind) if kind in ("text", "refusal") else None
    return text if isinstance(text, str) else None


def joined_texts(*texts: str | None) -> str:
    """Texts of one message that stood in fields of their own, such as an answer and its refusal.

    The empty line between them is no part of any token, so that two harmless texts are harmless together.
    """
    different: list[str] = []
    for text in texts:
        if text and text not in different:
            different.append(text)
    return "\n\n".join(different)


def token_texts(special_tokens: Mapping[str, Any] | None) -> dict[str, Any]:
    """The texts of special tokens by name; tokens that are null are left out.

    A tokenizer_config.json writes a token as text, as an object with the text in `content`, as null, or (under
    `additional_special_tokens`) as a list of these.
    """
    texts = {}
    if special_tokens:
        for name, token in special_tokens.items():
            text = _token_text(token)
            if text is not None:
                texts[name] = text
    return texts


def _token_text(token: Any) -> Any:
    if isinstance(token, list):
        return [_token_text(item) for item in token]
    if isinstance(token, dict):
        return token.get("content")
    return token
