"""OpenAICompletion: `prompt` and `max_tokens` in, `text_completion` out, in vLLM's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.formats.fields import Fields
from tollgate.engines.base import Delta, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.bedrock.formats.base import Call, Completion

# https://platform.openai.com/docs/api-reference/completions/create: the default of max_tokens.
_DEFAULT_MAX_TOKENS = 16


class OpenAICompletionFormat:
    """One choice per answer; unknown members are let through, as vLLM does."""

    def parse(self, body: Mapping[str, Any]) -> Generation:
        fields = Fields(body)
        logprobs = body.get("logprobs")
        return Generation(
            prompt=fields.text("prompt"),
            messages=None,
            tools=None,
            max_tokens=fields.integer("max_tokens", _DEFAULT_MAX_TOKENS),
            temperature=fields.number("temperature", 1.0, maximum=2),
            top_p=fields.number("top_p", 1.0, maximum=1),
            top_k=fields.optional_integer("top_k", minimum=-1),
            stop=fields.strings("stop"),
            seed=fields.optional_integer("seed", minimum=0),
            # The service reads `true` as one alternative.
            top_logprobs=int(logprobs)
            if isinstance(logprobs, bool)
            else fields.optional_integer("logprobs", minimum=0),
            body=body,
        )

    def answer(self, call: Call, completion: Completion) -> dict[str, Any]:
        logprobs = _logprobs(completion.tokens)
        return self._object(call, completion.text, completion.finish_reason, logprobs) | {
            "usage": usage(call, completion)
        }

    def first_chunks(self, call: Call) -> list[dict[str, Any]]:
        return []

    def chunk(self, call: Call, completion: Completion, piece: Token | Delta) -> dict[str, Any]:
        if isinstance(piece, Delta):
            return self._object(call, "", None, None)
        return self._object(call, piece.text, None, _logprobs([piece]))

    def last_chunks(self, call: Call, completion: Completion) -> list[dict[str, Any]]:
        chunks = [self._object(call, "", completion.finish_reason, None)]
        if wants_usage(call):
            chunks.append(chunks[0] | {"choices": [], "usage": usage(call, completion)})
        return chunks

    @staticmethod
    def _object(call: Call, text: str, finish_reason: str | None, logprobs: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "id": f"cmpl-{call.id}",
            "object": "text_completion",
            "created": call.created,
            "model": call.model,
            "choices": [
                {
                    "index": 0,
                    "text": text,
                    "logprobs": logprobs,
                    "finish_reason": finish_reason,
                    "stop_reason": None,
                }
            ],
        }


def usage(call: Call, completion: Completion) -> dict[str, Any]:
    """OpenAI's `usage` object."""
    return {
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": call.prompt_tokens + completion.completion_tokens,
    }


def wants_usage(call: Call) -> bool:
    """Whether the request asks for a usage chunk at the end of its stream."""
    options = call.generation.body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _logprobs(tokens: list[Token]) -> dict[str, Any] | None:
    """Parallel lists, as OpenAI's completions API has them."""
    known = [token for token in tokens if token.logprob is not None]
    if not known:
        return None
    return {
        "tokens": [token.text for token in known],
        "token_logprobs": [token.logprob for token in known],
        "top_logprobs": [dict(token.top_logprobs) for token in known],
        "text_offset": [sum(len(before.text) for before in known[:at]) for at in range(len(known))],
    }
