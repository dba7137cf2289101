"""The body of POST /v1/completions.

https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.requests.sampling import SamplingParameters
from api.requests.shape import NOBODY, OPENAI, TOLLGATE, parameter


class CompletionRequest(SamplingParameters):
    """A completion of a prompt; unknown parameters are refused."""

    prompt: Annotated[str, Field(min_length=1)] = parameter(
        "The text that the model continues, exactly as it reads it.", honoured_by=[TOLLGATE], required=True
    )
    # 0 asks for something here: the log probability of each chosen token.
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = parameter(
        "Answer with the log probabilities of so many likely tokens at each place.", honoured_by=OPENAI
    )
    echo: Literal[False] | None = parameter("The prompt is never part of the answer.", honoured_by=NOBODY)
    best_of: Literal[1] | None = parameter("Every choice that is generated is answered.", honoured_by=NOBODY)
    suffix: Literal[None] = parameter("Models continue a prompt; they do not fill a gap.", honoured_by=NOBODY)
