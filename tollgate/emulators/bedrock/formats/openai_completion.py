"""The format OpenAICompletion: a request with `prompt` and `max_tokens`, a `text_completion` as the answer.

The schema is vLLM's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.errors import invalid
from tollgate.emulators.bedrock.formats.fields import Fields
from tollgate.engines.base import Delta, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.bedrock.formats.base import Answer, InvocationInfo

# https://platform.openai.com/docs/api-reference/completions/create: the default of max_tokens.
_DEFAULT_MAX_TOKENS = 16


class OpenAICompletionFormat:
    """Unknown members are let through, as vLLM does."""

    def parse(self, body: Mapping[str, Any]) -> Generation:
        fields = Fields(body)
        temperature = fields.number("temperature", 1.0, maximum=2)
        prompts = _prompts(body)
        if body.get("echo") is True and body.get("logprobs") is not None:
            raise invalid("echo with logprobs asks for the prompt's, which no embedded model gives.")
        return Generation(
            prompt="" if prompts else fields.text("prompt"),
            prompts=prompts,
            messages=None,
            tools=None,
            max_tokens=fields.integer("max_tokens", _DEFAULT_MAX_TOKENS),
            temperature=temperature,
            choices=fields.choices(temperature) * max(1, len(prompts)),
            top_p=fields.number("top_p", 1.0, maximum=1),
            top_k=fields.optional_integer("top_k", minimum=-1),
            stop=fields.strings("stop"),
            seed=fields.seed(),
            top_logprobs=_top_logprobs(fields, body.get("logprobs")),
            body=body,
        )

    def whole(self, info: InvocationInfo, answers: list[Answer]) -> dict[str, Any]:
        choices = []
        for answer in answers:
            choices.append(_choice(answer.index, answer.text, answer.finish_reason, _logprobs(answer.tokens)))
        return _object(info, choices) | {"usage": usage(info, answers)}

    def first_chunks(self, info: InvocationInfo) -> list[dict[str, Any]]:
        return []

    def chunk(self, info: InvocationInfo, answer: Answer, piece: Token | Delta) -> dict[str, Any]:
        if isinstance(piece, Delta):
            return _object(info, [_choice(answer.index, "", None, None)])
        return _object(info, [_choice(answer.index, piece.text, None, _logprobs([piece]))])

    def last_chunks(self, info: InvocationInfo, answers: list[Answer]) -> list[dict[str, Any]]:
        chunks = [_object(info, [_choice(answer.index, "", answer.finish_reason, None)]) for answer in answers]
        if wants_usage(info):
            chunks.append(_object(info, []) | {"usage": usage(info, answers)})
        return chunks


def _prompts(body: Mapping[str, Any]) -> tuple[str | list[int], ...]:
    """The prompts of a request that has a list of them, or the token ids of one; else none."""
    given = body.get("prompt")
    if not isinstance(given, list) or not given:
        return ()
    if all(type(token) is int for token in given):
        return (given,)
    for prompt in given:
        is_ids = isinstance(prompt, list) and all(type(token) is int for token in prompt)
        if not is_ids and not isinstance(prompt, str):
            raise invalid("Malformed input request: #/prompt: expected texts or token ids.")
    return tuple(given)


def _object(info: InvocationInfo, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"cmpl-{info.id}",
        "object": "text_completion",
        "created": info.created,
        "model": info.model,
        "choices": choices,
    }


def _choice(index: int, text: str, finish_reason: str | None, logprobs: dict[str, Any] | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason, "stop_reason": None}


def _top_logprobs(fields: Fields, given: Any) -> int | None:
    if isinstance(given, bool):  # the service reads `true` as one alternative
        return int(given)
    return fields.optional_integer("logprobs", minimum=0)


def usage(info: InvocationInfo, answers: list[Answer]) -> dict[str, Any]:
    """OpenAI's `usage` object: the prompt counts once, the tokens of all choices together."""
    completion_tokens = sum(answer.completion_tokens for answer in answers)
    return {
        "prompt_tokens": info.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": info.prompt_tokens + completion_tokens,
    }


def wants_usage(info: InvocationInfo) -> bool:
    """Whether the request asks for a usage chunk at the end of its stream."""
    options = info.generation.body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _logprobs(tokens: list[Token]) -> dict[str, Any] | None:
    """The log-probabilities as OpenAI's completions API has them: lists of the same length."""
    known = [token for token in tokens if token.logprob is not None]
    if not known:
        return None
    lists: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    offset = 0
    for token in known:
        lists["tokens"].append(token.text)
        lists["token_logprobs"].append(token.logprob)
        lists["top_logprobs"].append(dict(token.top_logprobs))
        lists["text_offset"].append(offset)
        offset += len(token.text)
    return lists
