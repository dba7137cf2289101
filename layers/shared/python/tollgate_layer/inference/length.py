"""Whether a prompt fits into the model's context, before the model is invoked."""

from __future__ import annotations

from tollgate_layer.inference.conversation import Conversation
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.record import Variant
from tollgate_layer.inference.request import Request
from tollgate_layer.prompt_format import PromptFormatError
from tollgate_layer.prompt_format.token_count import count_tokens, minimum_tokens


def fit(request: Request, conversation: Conversation, variant: Variant) -> Conversation:
    """The conversation, with `max_tokens` lowered to the room that is left unless the client asked for it.

    Without a tokenizer the count is a lower bound, so that nothing that fits is ever refused.

    Raises:
        RequestError: `context_length_exceeded`, at the field of the request that is too long.
        ApiError: `model_misconfigured` when the record's tokenizer cannot be used.
    """
    if variant.max_model_length is None:
        return conversation
    if variant.tokenizer is not None and isinstance(conversation.prompt, str):
        return _fit_exactly(request, conversation, conversation.prompt, variant.tokenizer, variant.max_model_length)
    tokens = sum(minimum_tokens(text) for text in conversation.texts)
    if tokens + 1 > variant.max_model_length:
        raise _too_long(request, f"at least {tokens}", 1, variant.max_model_length)
    return conversation


def _fit_exactly(request: Request, conversation: Conversation, prompt: str, tokenizer: str, most: int) -> Conversation:
    try:
        tokens = count_tokens(prompt, tokenizer)
    except PromptFormatError as error:
        raise ApiError("model_misconfigured", upstream="tokenizer") from error
    max_tokens = conversation.parameters["max_tokens"]
    # A default is only a wish: the answer needs one token at least.
    needed = 1 if request.max_tokens is None else max_tokens
    if tokens + needed > most:
        raise _too_long(request, f"{tokens}", needed, most)
    lowered = {**conversation.parameters, "max_tokens": min(max_tokens, most - tokens)}
    return conversation._replace(parameters=lowered)


def _too_long(request: Request, tokens: str, needed: int, most: int) -> RequestError:
    return RequestError(
        "context_length_exceeded",
        f"The prompt has {tokens} tokens and the answer needs {needed} more, but the model's context holds {most}.",
        param=request.text_field,
    )
