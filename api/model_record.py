"""The model record: the JSON text of one item of the model table. `docs/model-record.md` describes it at length."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.requests.shape import Shape
from tollgate_layer.inference.record import HOOK_FUNCTION, MODEL_NAME

Tokens = Annotated[int, Field(ge=1)]


class Variant(Shape):
    """One deployed version of a model."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="The variant's name.")
    weight: Annotated[int, Field(ge=0)] = Field(100, description="Its share of the requests.")
    backend: Literal["bedrock", "sagemaker"] = Field("bedrock", description="Where the model runs.")
    model_id: str = Field("", description="The imported model's ARN.")
    endpoint_name: str = Field("", description="The SageMaker endpoint, where that is the backend.")
    inference_component: str | None = Field(None, description="The endpoint's inference component that is asked.")
    target_variant: str | None = Field(None, description="The endpoint's production variant that is asked.")
    body_format: Literal["openai", "bedrock", "mistral", "tgi"] = Field(description="The shape of the model's body.")
    chat_template: str | None = Field(
        None, description="A built-in name, the model's own Jinja source, or null: the server formats messages."
    )
    special_tokens: dict[str, str] = Field({}, description="The tokenizer's special tokens, by name.")
    template_variables: dict[str, Any] = Field({}, description="Variables that the chat template gets.")
    server_adds_bos: bool | None = Field(None, description="Whether the server's tokenizer writes BOS itself.")
    allow_special_tokens: bool = Field(False, description="Whether clients' texts may hold special tokens.")
    tool_calls: Literal["hermes", "mistral", "llama3_json", "qwen3_coder", "none"] | None = Field(
        None, description="How the model writes tool calls, where the family does not say."
    )
    reasoning: Literal[True, False, "open"] | None = Field(
        None, description="Whether the model writes its thoughts before its answer; open: its prompt begins them."
    )
    fallback: str | None = Field(
        None, description="The variant that is asked once where this one is cold, throttled or failing."
    )
    max_model_length: Tokens | None = Field(None, description="The most tokens of prompt and completion together.")
    tokenizer: str | None = Field(None, description="The tokenizer by which prompts are measured.")


class Defaults(Shape):
    """What a request gets where it says nothing."""

    max_tokens: Tokens = Field(1024, description="The most tokens of an answer.")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(None, description="The temperature.")
    top_p: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="The share of nucleus sampling.")
    system: str | None = Field(None, description="The system text of conversations that have none.")


class Limits(Shape):
    """What a request may ask for at most."""

    max_tokens: Tokens | None = Field(None, description="The most tokens of an answer.")
    max_tokens_policy: Literal["refuse", "cut"] = Field(
        "refuse", description="What becomes of a request for more: refused, or cut and told in x-tollgate-ignored."
    )


class ServerPrompt(Shape):
    """A prompt kept with the model: clients send `variables` instead of messages."""

    system: str | None = Field(None, description="The system text.")
    user: str = Field(description="The user's text, with {{ names }} to fill in.")


class Hook(Shape):
    """A function of the team's own that is called before the model."""

    function: Annotated[str, Field(pattern=HOOK_FUNCTION)] = Field(
        description="Its ARN, perhaps with an alias; the parameter HookFunctionArns allows it."
    )
    timeout_s: Annotated[int, Field(ge=1, le=20)] = Field(3, description="How many seconds it may take.")
    on_failure: Literal["fail", "skip"] = Field(
        "fail", description="What becomes of a request when the hook fails: it fails, too, or goes on without it."
    )


class AfterHook(Hook):
    """A function of the team's own that is called after the model."""

    stream: Literal["hold", "end", "off"] = Field(
        "hold", description="Streams are held until it has seen them, shown to it at their end, or not at all."
    )


class Hooks(Shape):
    """The team's own functions around the model."""

    version: Literal[1] = Field(1, description="The version of the hooks' contract.")
    before: Hook | None = Field(None, description="Called before the model.")
    after: AfterHook | None = Field(None, description="Called after the model.")


class Shadow(Shape):
    """A variant that is asked a share of the requests, too, so that its answers can be compared."""

    variant: str = Field(description="The variant.")
    percent: Annotated[int, Field(ge=1, le=100)] = Field(description="So many of a hundred requests.")
    bucket: str | None = Field(None, description="A bucket that keeps both texts. Without one, only numbers are kept.")


class ModelRecord(Shape):
    """A model as clients know it."""

    model: Annotated[str, Field(pattern=MODEL_NAME)] = Field(description="The name that clients send.")
    variants: Annotated[list[Variant], Field(min_length=1)] = Field(description="Its deployed versions.")
    defaults: Defaults = Field(Defaults.model_validate({}), description="What a request gets where it says nothing.")
    limits: Limits = Field(Limits.model_validate({}), description="What a request may ask for at most.")
    prompt: ServerPrompt | None = Field(None, description="A prompt kept with the model.")
    container: Literal["tgi", "lmi"] = Field(
        "tgi", description="The serving container in whose shapes SageMaker's clients are answered."
    )
    hooks: Hooks | None = Field(None, description="The team's own functions around the model.")
    shadow: Shadow | None = Field(None, description="A variant that is asked a share of the requests, too.")
    ignore_parameters: list[str] = Field(
        [], description="Parameters of clients that cannot be changed: left out, and told in x-tollgate-ignored."
    )
