"""The model record: one DynamoDB item per model name, written by releases and read by every request.

Its fields, with their limits and defaults, stand in api/model_record.py; docs/model-record.md tells them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from tollgate_layer.inference import schemas
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject

HOOK_FUNCTION = r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]+)?$"
"""The ARN of a function, perhaps with an alias or a version."""
MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class Variant(NamedTuple):
    """One deployed version of a model; `weight` is its share of the requests."""

    name: str
    weight: int
    backend: str
    model_id: str
    endpoint_name: str
    inference_component: str | None
    target_variant: str | None
    body_format: str
    chat_template: str | None
    special_tokens: Mapping[str, str]
    template_variables: Mapping[str, Any]
    server_adds_bos: bool | None
    allow_special_tokens: bool
    tool_calls: str | None
    reasoning: bool | Literal["open"] | None
    fallback: str | None
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
    max_tokens_policy: str


class ServerPrompt(NamedTuple):
    """A prompt kept with the model: clients send `variables` instead of messages."""

    system: str | None
    user: str


class Hook(NamedTuple):
    """A function of the team's own, by its ARN, that is called before the model.

    `on_failure` says what becomes of a request when it gives no answer: `fail`, or `skip`, which goes on without it.
    """

    function: str
    timeout_s: int
    on_failure: str


class AfterHook(NamedTuple):
    """As `Hook`, called after the model.

    `stream` says how it sees streamed completions: `hold` keeps them back until it has seen them, `end` calls it when
    the client has them, `off` not at all.
    """

    function: str
    timeout_s: int
    on_failure: str
    stream: str


class Hooks(NamedTuple):
    """The hooks of a model."""

    before: Hook | None
    after: AfterHook | None

    @classmethod
    def from_json(cls, fields: JsonObject) -> Hooks:
        """The hooks with these fields, of which none may be missing."""
        before, after = fields["before"], fields["after"]
        return cls(None if before is None else Hook(**before), None if after is None else AfterHook(**after))


class Shadow(NamedTuple):
    """`percent` of a hundred requests are also sent to `variant`; both texts are kept in `bucket`, if there is one."""

    variant: str
    percent: int
    bucket: str | None


class ModelRecord(NamedTuple):
    """A model as clients know it.

    `unknown_fields` counts the fields in the record's text that this version of Tollgate does not know, and ignores.
    """

    model: str
    variants: list[Variant]
    defaults: Defaults
    limits: Limits
    prompt: ServerPrompt | None
    ignore_parameters: list[str]
    container: str
    hooks: Hooks | None
    shadow: Shadow | None
    unknown_fields: int = 0

    @classmethod
    def from_json(cls, fields: JsonObject, unknown_fields: int = 0) -> ModelRecord:
        """The record with these fields, of which none may be missing: a checked record has its defaults."""
        prompt, hooks, shadow = fields["prompt"], fields["hooks"], fields["shadow"]
        return cls(
            model=fields["model"],
            variants=[Variant(**variant) for variant in fields["variants"]],
            defaults=Defaults(**fields["defaults"]),
            limits=Limits(**fields["limits"]),
            prompt=None if prompt is None else ServerPrompt(**prompt),
            ignore_parameters=fields["ignore_parameters"],
            container=fields["container"],
            hooks=None if hooks is None else Hooks.from_json(hooks),
            shadow=None if shadow is None else Shadow(**shadow),
            unknown_fields=unknown_fields,
        )

    def choose_variant(self, key: str) -> Variant:
        """The variant for `key` by weight: the same key always gets the same one while weights stay.

        Raises:
            ApiError: `model_misconfigured` when all weights are 0.
        """
        total = 0
        for variant in self.variants:
            total += variant.weight
        if total == 0:
            raise ApiError("model_misconfigured", upstream="record")
        # The weights lie one behind the other on a line as long as their total; the key is a point on it.
        point = zlib.crc32(f"{self.model}/{key}".encode()) % total
        for variant in self.variants:
            point -= variant.weight
            if point < 0:
                return variant
        raise AssertionError("the weights add up to their total")


def check_record(record: str) -> ModelRecord:
    """The record in a JSON text, strictly: a field that is not known is a mistyped one.

    Raises:
        pydantic_core.ValidationError: it is not one; every field at fault is in it.
    """
    fields: JsonObject = schemas.validator("model_record").validate_json(record)
    return ModelRecord.from_json(fields)


@lru_cache(maxsize=64)
def parse_record(record: str) -> ModelRecord:
    """The record in a table item's `record` attribute; the last ones are kept parsed.

    Fields that are not known are ignored: a newer Tollgate wrote them, and this one serves again after a rollback.

    Raises:
        ApiError: `model_misconfigured` when the text is not a record, or one that cannot be served.
    """
    # Here, since Postprocess imports this module and never needs them.
    from pydantic_core import ValidationError

    from tollgate_layer.inference.record_check import record_faults

    try:
        parsed = _ignoring_unknown_fields(record)
    except ValidationError as error:
        raise ApiError("model_misconfigured", upstream="record") from error
    if record_faults(parsed):
        raise ApiError("model_misconfigured", upstream="record")
    return parsed


def _ignoring_unknown_fields(record: str) -> ModelRecord:
    """The record in a text of any version. Raises ValidationError for every other fault."""
    from pydantic_core import ValidationError

    try:
        return check_record(record)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        unknown = sum(fault["type"] == "extra_forbidden" for fault in faults)
        if unknown == 0:
            raise
    fields: JsonObject = schemas.validator("model_record").validate_json(record, extra="ignore")
    return ModelRecord.from_json(fields, unknown)
