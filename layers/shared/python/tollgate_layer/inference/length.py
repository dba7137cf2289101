"""Whether a prompt fits into the model's context, before the model is called."""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.conversation import Prompt
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.record import Variant
from tollgate_layer.prompt_format import PromptFormatError
from tollgate_layer.prompt_format.token_count import count_tokens, minimum_tokens


def fit(prompt: Prompt, variant: Variant, *, asked: bool) -> Prompt:
    """The prompt, with `max_tokens` lowered to the room that is left unless the client asked for it.

    Without a tokenizer the count is a lower bound, so that nothing that fits is ever refused.

    Raises:
        RequestError: `context_length_exceeded`.
        ApiError: `model_misconfigured` when the record's tokenizer cannot be used.
    """
    most = variant.max_model_length
    if most is None:
        return prompt
    exact = variant.tokenizer is not None and isinstance(prompt.value, str)
    tokens = _count(str(prompt.value), variant) if exact else sum(map(minimum_tokens, texts_of(prompt.value)))
    wanted = prompt.parameters["max_tokens"] if exact and asked else 1
    if tokens + wanted > most:
        raise _too_long(tokens, wanted, most, exact=exact)
    if exact and not asked:
        max_tokens = min(prompt.parameters["max_tokens"], most - tokens)
        return prompt._replace(parameters={**prompt.parameters, "max_tokens": max_tokens})
    return prompt


def texts_of(prompt: str | list[dict[str, Any]]) -> list[str]:
    """The texts in a prompt: itself, or what its messages say."""
    if isinstance(prompt, str):
        return [prompt]
    texts: list[str] = []
    for message in prompt:
        content = message.get("content") or ""
        texts += [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
    return texts


def _count(prompt: str, variant: Variant) -> int:
    try:
        return count_tokens(prompt, variant.tokenizer or "")
    except PromptFormatError as error:
        raise ApiError("model_misconfigured", upstream="tokenizer") from error


def _too_long(tokens: int, wanted: int, most: int, *, exact: bool) -> RequestError:
    count = f"{tokens}" if exact else f"at least {tokens}"
    return RequestError(
        "context_length_exceeded",
        f"The prompt has {count} tokens and the answer needs {wanted} more, but the model's context holds {most}.",
        param="messages",
    )
