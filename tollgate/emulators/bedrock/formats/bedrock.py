"""The format BedrockCompletion: a request with `prompt` and `max_gen_len`, an answer with `generation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.formats.fields import Fields, known_keys
from tollgate.engines.base import Delta, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.bedrock.formats.base import Answer, InvocationInfo

_DEFAULT_MAX_GEN_LEN = 512
# The prompt, and what the service documents of this format without Tollgate's sending it.
_OTHER_KEYS = ("prompt", "top_k", "stop", "seed", "return_logprobs")


class BedrockFormat:
    """The format of older Llama and Qwen imports, still chosen by a `prompt` without `max_tokens`."""

    def parse(self, body: Mapping[str, Any]) -> Generation:
        fields = Fields(body)
        fields.allow_only(known_keys("bedrock", _OTHER_KEYS))
        return Generation(
            prompt=fields.text("prompt"),
            messages=None,
            tools=None,
            max_tokens=fields.integer("max_gen_len", _DEFAULT_MAX_GEN_LEN),
            temperature=fields.number("temperature", 0.5),
            top_p=fields.number("top_p", 0.9, maximum=1),
            top_k=fields.optional_integer("top_k"),
            stop=fields.strings("stop"),
            seed=fields.seed(),
            top_logprobs=0 if fields.flag("return_logprobs") else None,
            body=body,
        )

    def whole(self, info: InvocationInfo, answers: list[Answer]) -> dict[str, Any]:
        (answer,) = answers
        return {
            "generation": answer.text,
            "prompt_token_count": info.prompt_tokens,
            "generation_token_count": answer.completion_tokens,
            "stop_reason": answer.finish_reason,
            "logprobs": _logprobs(answer.tokens),
        }

    def first_chunks(self, info: InvocationInfo) -> list[dict[str, Any]]:
        return []

    def chunk(self, info: InvocationInfo, answer: Answer, piece: Token | Delta) -> dict[str, Any]:
        number = answer.completion_tokens
        return {
            "generation": piece.text if isinstance(piece, Token) else "",
            "prompt_token_count": info.prompt_tokens if number == 1 else None,
            "generation_token_count": number,
            "stop_reason": None,
            "logprobs": _logprobs([piece]) if isinstance(piece, Token) else None,
        }

    def last_chunks(self, info: InvocationInfo, answers: list[Answer]) -> list[dict[str, Any]]:
        (answer,) = answers
        return [
            {
                "generation": "",
                "prompt_token_count": None if answer.completion_tokens else info.prompt_tokens,
                "generation_token_count": answer.completion_tokens,
                "stop_reason": answer.finish_reason,
                "logprobs": None,
            }
        ]


def _logprobs(tokens: list[Token]) -> list[dict[str, float]] | None:
    """The log-probabilities as the format writes them: one object per token, its only key the token's id."""
    known = [{str(token.token_id): token.logprob} for token in tokens if token.logprob is not None]
    return known or None
