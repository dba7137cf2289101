"""The body of POST /v1/completions.

https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.requests.sampling import SamplingParameters
from api.requests.shape import NO_MODEL, OPENAI, TOLLGATE, ListTag, Text, either, parameter


class CompletionRequest(SamplingParameters):
    """A completion of a prompt; unknown parameters are refused."""

    prompt: Annotated[
        Annotated[Text, Field(min_length=1)] | Annotated[list[Any], Field(min_length=1), ListTag],
        either("should be a text, or a list of one text"),
    ] = parameter(
        "The text that the model continues, exactly as it reads it; or a list of one such text.",
        honoured_by=[TOLLGATE],
        required=True,
    )
    # 0 asks for something here: the log probability of each chosen token.
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = parameter(
        "Answer with the log probabilities of so many likely tokens at each place.", honoured_by=OPENAI
    )
    echo: bool | None = parameter("The prompt is never part of the answer.", honoured_by=NO_MODEL, nothing=[False])
    best_of: Annotated[int, Field(ge=1, le=20)] | None = parameter(
        "Every choice that is generated is answered.", honoured_by=NO_MODEL, nothing=[1]
    )
    suffix: str | None = parameter(
        "Models continue a prompt; they do not fill a gap.", honoured_by=NO_MODEL, nothing=[""]
    )
