"""The format of older Mistral imports: a request with `prompt` and `max_tokens`, an answer with `outputs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.formats.fields import Fields, known_keys
from tollgate.engines.base import Delta, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.bedrock.formats.base import Answer, InvocationInfo

_DEFAULT_MAX_TOKENS = 512
_OTHER_KEYS = ("prompt",)


class MistralFormat:
    """One output per answer, as Mistral's text models on Bedrock give it; it has no token counts."""

    def parse(self, body: Mapping[str, Any]) -> Generation:
        fields = Fields(body)
        fields.allow_only(known_keys("mistral", _OTHER_KEYS))
        return Generation(
            prompt=fields.text("prompt"),
            messages=None,
            tools=None,
            max_tokens=fields.integer("max_tokens", _DEFAULT_MAX_TOKENS),
            temperature=fields.number("temperature", 0.5),
            top_p=fields.number("top_p", 0.9, maximum=1),
            top_k=fields.optional_integer("top_k"),
            stop=fields.strings("stop"),
            seed=None,
            top_logprobs=None,
            body=body,
        )

    def whole(self, info: InvocationInfo, answers: list[Answer]) -> dict[str, Any]:
        (answer,) = answers
        return _output(answer.text, answer.finish_reason)

    def first_chunks(self, info: InvocationInfo) -> list[dict[str, Any]]:
        return []

    def chunk(self, info: InvocationInfo, answer: Answer, piece: Token | Delta) -> dict[str, Any]:
        return _output(piece.text if isinstance(piece, Token) else "", None)

    def last_chunks(self, info: InvocationInfo, answers: list[Answer]) -> list[dict[str, Any]]:
        (answer,) = answers
        return [_output("", answer.finish_reason)]


def _output(text: str, stop_reason: str | None) -> dict[str, Any]:
    return {"outputs": [{"text": text, "stop_reason": stop_reason}]}
