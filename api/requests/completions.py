"""The body of POST /v1/completions.

https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.requests.sampling import SamplingParameters
from api.requests.shape import NO_MODEL, OPENAI, OPENAI_COMPLETION, TOLLGATE, ListTag, Text, either, parameter


class CompletionRequest(SamplingParameters):
    """A completion of a prompt; unknown parameters are refused."""

    # A list is looked at by the dialect: of texts, of token ids, or of lists of these.
    prompt: Annotated[
        Annotated[Text, Field(min_length=1)] | Annotated[list[Any], Field(min_length=1), ListTag],
        either("should be a text, or a list of texts or token ids"),
    ] = parameter(
        "The text that the model continues, exactly as it reads it. A model of body format `openai` also takes a list "
        "of up to 128 texts, each of which gets its choices in order, and token ids in place of a text.",
        honoured_by=[TOLLGATE],
        required=True,
    )
    # 0 asks for something here: the log probability of each chosen token.
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = parameter(
        "Answer with the log probabilities of so many likely tokens at each place.", honoured_by=OPENAI
    )
    echo: bool | None = parameter(
        "Answer with the prompt in front of what the model says.", honoured_by=[OPENAI_COMPLETION], nothing=[False]
    )
    best_of: Annotated[int, Field(ge=1, le=20)] | None = parameter(
        "Every choice that is generated is answered.", honoured_by=NO_MODEL, nothing=[1]
    )
    suffix: str | None = parameter(
        "Models continue a prompt; they do not fill a gap.", honoured_by=NO_MODEL, nothing=[""]
    )
