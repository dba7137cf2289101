"""The model record: one DynamoDB item per model name, written by releases and read by every request."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.errors import ApiError

MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Variant(_Part):
    """One deployed version of a model; `weight` is its share of the requests."""

    name: str = Field(min_length=1, max_length=64)
    weight: int = Field(default=100, ge=0)
    backend: Literal["bedrock"] = "bedrock"
    model_id: str = Field(min_length=1)
    body_format: Literal["openai", "bedrock", "mistral"]
    chat_template: str | None = None
    special_tokens: dict[str, str] = {}
    template_variables: dict[str, Any] = {}
    server_adds_bos: bool | None = None
    allow_special_tokens: bool = False
    tool_calls: Literal["hermes", "mistral", "llama3_json", "none"] | None = None
    reasoning: bool | None = None
    max_model_length: int | None = Field(default=None, ge=1)
    tokenizer: str | None = None


class Defaults(_Part):
    """What a request gets where it says nothing."""

    max_tokens: int = Field(default=1024, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    system: str | None = None


class Limits(_Part):
    """What a request may ask for at most."""

    max_tokens: int | None = Field(default=None, ge=1)


class ServerPrompt(_Part):
    """A prompt kept with the model: clients send `variables` instead of messages."""

    system: str | None = None
    user: str


class ModelRecord(_Part):
    """A model as clients know it."""

    model: str = Field(pattern=MODEL_NAME)
    variants: list[Variant] = Field(min_length=1)
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    prompt: ServerPrompt | None = None

    def choose_variant(self, key: str) -> Variant:
        """The variant for `key` by weight: the same key always gets the same one while weights stay."""
        total = sum(variant.weight for variant in self.variants)
        if total == 0:
            raise ApiError("model_misconfigured")
        point = zlib.crc32(f"{self.model}/{key}".encode()) % total
        for variant in self.variants:
            point -= variant.weight
            if point < 0:
                return variant
        raise AssertionError("the weights add up to their total")


@lru_cache(maxsize=64)
def parse_record(text: str) -> ModelRecord:
    """The record in a table item's `record` attribute; the last ones are kept parsed.

    Raises:
        ApiError: `model_misconfigured` when the text is not a record.
    """
    try:
        return ModelRecord.model_validate_json(text)
    except ValidationError as error:
        raise ApiError("model_misconfigured", upstream="record") from error
