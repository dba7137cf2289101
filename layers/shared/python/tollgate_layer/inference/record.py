"""The model record: one DynamoDB item per model name, written by releases and read by every request."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import ValidationError

from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.shapes import (
    anything,
    default,
    flag,
    integer,
    json_object,
    list_of,
    nullable,
    number,
    only,
    record_of,
    text,
    validator,
)

MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class Variant(NamedTuple):
    """One deployed version of a model; `weight` is its share of the requests."""

    name: str
    weight: int
    backend: str
    model_id: str
    body_format: str
    chat_template: str | None
    special_tokens: Mapping[str, str]
    template_variables: Mapping[str, Any]
    server_adds_bos: bool | None
    allow_special_tokens: bool
    tool_calls: str | None
    reasoning: bool | None
    max_model_length: int | None
    tokenizer: str | None


class Defaults(NamedTuple):
    """What a request gets where it says nothing."""

    max_tokens: int
    temperature: float | None
    top_p: float | None
    system: str | None


class Limits(NamedTuple):
    """What a request may ask for at most."""

    max_tokens: int | None


class ServerPrompt(NamedTuple):
    """A prompt kept with the model: clients send `variables` instead of messages."""

    system: str | None
    user: str


class ModelRecord(NamedTuple):
    """A model as clients know it."""

    model: str
    variants: list[Variant]
    defaults: Defaults
    limits: Limits
    prompt: ServerPrompt | None

    def choose_variant(self, key: str) -> Variant:
        """The variant for `key` by weight: the same key always gets the same one while weights stay."""
        total = sum(variant.weight for variant in self.variants)
        if total == 0:
            raise ApiError("model_misconfigured", upstream="record")
        point = zlib.crc32(f"{self.model}/{key}".encode()) % total
        for variant in self.variants:
            point -= variant.weight
            if point < 0:
                return variant
        raise AssertionError("the weights add up to their total")


_VARIANT = record_of(
    Variant,
    {
        "name": text(min_length=1, max_length=64),
        "weight": default(integer(ge=0), 100),
        "backend": default(only("bedrock"), "bedrock"),
        "model_id": text(min_length=1),
        "body_format": only("openai", "bedrock", "mistral"),
        "chat_template": nullable(text()),
        "special_tokens": default(json_object(text()), {}),
        "template_variables": default(json_object(anything()), {}),
        "server_adds_bos": nullable(flag()),
        "allow_special_tokens": default(flag(), False),
        "tool_calls": nullable(only("hermes", "mistral", "llama3_json", "none")),
        "reasoning": nullable(flag()),
        "max_model_length": nullable(integer(ge=1)),
        "tokenizer": nullable(text()),
    },
)
_DEFAULTS = record_of(
    Defaults,
    {
        "max_tokens": default(integer(ge=1), 1024),
        "temperature": nullable(number(ge=0, le=2)),
        "top_p": nullable(number(gt=0, le=1)),
        "system": nullable(text()),
    },
)
_LIMITS = record_of(Limits, {"max_tokens": nullable(integer(ge=1))})
_RECORD = validator(
    record_of(
        ModelRecord,
        {
            "model": text(pattern=MODEL_NAME),
            "variants": list_of(_VARIANT, min_length=1),
            "defaults": default(_DEFAULTS, Defaults(1024, None, None, None)),
            "limits": default(_LIMITS, Limits(None)),
            "prompt": nullable(record_of(ServerPrompt, {"system": nullable(text()), "user": text()})),
        },
    )
)


def check_record(record: str) -> ModelRecord:
    """The record in a JSON text.

    Raises:
        pydantic_core.ValidationError: it is not one; every field at fault is in it.
    """
    checked: ModelRecord = _RECORD.validate_json(record)
    return checked


@lru_cache(maxsize=64)
def parse_record(record: str) -> ModelRecord:
    """The record in a table item's `record` attribute; the last ones are kept parsed.

    Raises:
        ApiError: `model_misconfigured` when the text is not a record.
    """
    try:
        return check_record(record)
    except ValidationError as error:
        raise ApiError("model_misconfigured", upstream="record") from error
