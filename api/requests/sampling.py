"""The parameters that chat and text completions share.

Their order is the order in which they are checked: of several faults in a request, the first is the one that is told.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.requests.shape import (
    BEDROCK,
    MISTRAL,
    NOBODY,
    OPENAI,
    TGI,
    TOLLGATE,
    ListTag,
    Shape,
    Text,
    either,
    parameter,
)


class StreamOptions(Shape):
    """How a stream looks."""

    include_usage: bool | None = Field(None, description="Send the token counts in a last chunk of their own.")
    continuous_usage_stats: bool | None = Field(
        None, description="vLLM's: token counts in every chunk; accepted, and they come in the last one alone."
    )
    include_obfuscation: bool | None = Field(
        None, description="OpenAI's padding against eavesdroppers; accepted, and without effect."
    )


class ResponseFormat(Shape):
    """The form that the answer must have."""

    type: Literal["text", "json_object", "json_schema"] = Field(description="Free text, any JSON, or JSON of a schema.")
    json_schema: dict[str, Any] | None = Field(None, description="The schema, as {name, schema}, for json_schema.")


class SamplingParameters(Shape):
    """What both routes take beside what the model reads."""

    model: str = parameter("The model's name, as GET /v1/models lists it.", honoured_by=[TOLLGATE], required=True)
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = parameter(
        "The most tokens that the model may answer with. The model's record has the default.",
        honoured_by=[*OPENAI, BEDROCK, MISTRAL, TGI],
        renamed={BEDROCK: "max_gen_len", TGI: "max_new_tokens"},
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = parameter(
        "How random the choice of tokens is; 0 always takes the likeliest.",
        honoured_by=[*OPENAI, BEDROCK, MISTRAL, TGI],
    )
    top_p: Annotated[float, Field(gt=0, le=1)] | None = parameter(
        "Sample from the likeliest tokens whose probabilities add up to this, more than 0.",
        honoured_by=[*OPENAI, BEDROCK, MISTRAL, TGI],
    )
    n: Annotated[int, Field(ge=1, le=128)] | None = parameter(
        "How many choices to generate. A model's limit of max_tokens is for all of them together.",
        honoured_by=OPENAI,
        nothing=[1],
    )
    # OpenAI takes 4 and vLLM any number. Number and length bound what every piece of an answer is searched for.
    stop: (
        Annotated[
            Annotated[Text, Field(max_length=4096)]
            | Annotated[list[Annotated[str, Field(min_length=1, max_length=4096)]], Field(max_length=16), ListTag],
            either("should be a string or a list of strings"),
        ]
        | None
    ) = parameter(
        "A text, or a list of up to 16 texts, at which the answer ends: up to 4096 characters each, and no part of it.",
        honoured_by=[TOLLGATE, *OPENAI, MISTRAL, TGI],
    )
    stream: bool | None = parameter("Answer with server-sent events.", honoured_by=[TOLLGATE])
    stream_options: StreamOptions | None = parameter("How a stream looks.", honoured_by=[TOLLGATE])
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = parameter(
        "Makes sampling repeatable, as far as the model can.", honoured_by=[*OPENAI, TGI]
    )
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = parameter(
        "Makes a token less likely with each time that the answer already has it.",
        honoured_by=[*OPENAI, TGI],
        nothing=[0],
    )
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = parameter(
        "Makes tokens that the answer already has less likely.", honoured_by=OPENAI, nothing=[0]
    )
    logit_bias: dict[str, float] | None = parameter(
        "What to add to the logit of a token, by token id.", honoured_by=OPENAI, nothing=[{}]
    )
    response_format: ResponseFormat | None = parameter(
        "The form that the answer must have.", honoured_by=[*OPENAI, BEDROCK], nothing=[{"type": "text"}]
    )
    user: str | None = parameter(
        "Your name for the end user. Requests of one user get the same variant of the model.", honoured_by=[TOLLGATE]
    )
    # Beyond OpenAI's API, with the names that vLLM gives them.
    top_k: Annotated[int, Field(ge=-1)] | None = parameter(
        "Sample from so many of the likeliest tokens; 0 and -1 mean all.",
        honoured_by=[*OPENAI, MISTRAL, TGI],
        nothing=[-1, 0],
    )
    min_p: Annotated[float, Field(ge=0, le=1)] | None = parameter(
        "Leave out tokens that are less likely than this share of the likeliest.", honoured_by=OPENAI, nothing=[0]
    )
    repetition_penalty: Annotated[float, Field(gt=0)] | None = parameter(
        "Divides the logits of tokens that the prompt or the answer already has; more than 0, and 1 has no effect.",
        honoured_by=[*OPENAI, TGI],
        nothing=[1],
    )
    ignore_eos: bool | None = parameter(
        "Go on behind the end-of-sequence token, as measurements of speed do.", honoured_by=OPENAI, nothing=[False]
    )
    min_tokens: Annotated[int, Field(ge=0, le=1_000_000)] | None = parameter(
        "The fewest tokens that the model may answer with.", honoured_by=OPENAI, nothing=[0]
    )
    stop_token_ids: Annotated[list[int], Field(max_length=16)] | None = parameter(
        "Token ids at which the answer ends, beside the model's own.", honoured_by=OPENAI, nothing=[[]]
    )
    structured_outputs: dict[str, Any] | None = parameter(
        "vLLM's constraints on the answer: a regular expression, a grammar, a choice.", honoured_by=OPENAI
    )
    # Labels that do not change an answer.
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
        ]
        | None
    ) = parameter("Up to 16 labels of yours, text by name; without effect.", honoured_by=NOBODY)
    safety_identifier: str | None = parameter("A label of yours; without effect.", honoured_by=NOBODY)
    prompt_cache_key: str | None = parameter("A label of yours; without effect.", honoured_by=NOBODY)
    prompt_cache_retention: str | None = parameter("A label of yours; without effect.", honoured_by=NOBODY)
    service_tier: str | None = parameter("There is one tier only: without effect.", honoured_by=NOBODY)
    store: bool | None = parameter("Without effect: answers are never stored.", honoured_by=NOBODY)
