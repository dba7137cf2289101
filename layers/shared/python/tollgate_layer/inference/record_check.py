"""What is wrong with a model record beyond its shape.

The record's author is the operator of the account. What only they can mend is `model_misconfigured`, never a client's
400: `tollgate record` tells them every fault in words, a request only that there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tollgate_layer import prompt_format
from tollgate_layer.inference.schemas import parameters
from tollgate_layer.prompt_format.prompts import variable_names

if TYPE_CHECKING:
    from tollgate_layer.inference.record import ModelRecord, ServerPrompt, Variant

RESERVED_VARIABLES = frozenset(
    {
        "add_generation_prompt",
        "continue_final_message",
        "messages",
        "now",
        "raise_exception",
        "special_tokens",
        "strftime_now",
        "template",
        "tools",
    }
)
"""Names by which the prompt itself is made: no variable of a record or a client can take them."""

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class RecordFault(NamedTuple):
    """What is wrong with a record: where (`variants[0].chat_template`), and why, as a sentence for its author."""

    place: str
    reason: str


def record_faults(record: ModelRecord) -> list[RecordFault]:
    """The faults for which no request to the model can be served as its record means it.

    All of them are cheap to find. Chat templates are not looked at: see `template_check`.
    """
    faults: list[RecordFault] = []
    names = [variant.name for variant in record.variants]
    for index, variant in enumerate(record.variants):
        if variant.fallback is not None and (variant.fallback == variant.name or variant.fallback not in names):
            faults.append(RecordFault(f"variants[{index}].fallback", "It names no other variant of the record."))
        faults += _address_faults(variant, f"variants[{index}]")
        faults += _name_faults(variant, f"variants[{index}]")
        if record.prompt is not None and variant.chat_template is None and variant.body_format != "openai":
            reason = f"Without one, body_format {variant.body_format} takes no messages, and prompt makes messages."
            faults.append(RecordFault(f"variants[{index}].chat_template", reason))
    if record.shadow is not None and record.shadow.variant not in names:
        faults.append(RecordFault("shadow.variant", "It names no variant of the record."))
    if record.prompt is not None:
        faults += _prompt_faults(record.prompt)
    for index, name in enumerate(record.ignore_parameters):
        if name not in parameters() or name in ("max_tokens", "stop") or not parameters()[name].reaches_the_model:
            reason = f"{name[:80]} is no parameter that a request could do without."
            faults.append(RecordFault(f"ignore_parameters[{index}]", reason))
    return faults


def _address_faults(variant: Variant, place: str) -> Iterator[RecordFault]:
    """What is missing to reach the model, or belongs to another backend."""
    if variant.backend == "bedrock":
        if not variant.model_id:
            yield RecordFault(f"{place}.model_id", "Field required")
        for name in ("endpoint_name", "inference_component", "target_variant"):
            if getattr(variant, name):
                yield RecordFault(f"{place}.{name}", "It is for the backend sagemaker.")
        if variant.body_format == "tgi":
            yield RecordFault(f"{place}.body_format", "It is for the backend sagemaker.")
        return
    if not variant.endpoint_name:
        yield RecordFault(f"{place}.endpoint_name", "Field required")
    if variant.model_id:
        yield RecordFault(f"{place}.model_id", "It is for the backend bedrock; a SageMaker variant has endpoint_name.")
    if variant.body_format not in ("openai", "tgi"):
        yield RecordFault(f"{place}.body_format", "An endpoint is asked in OpenAI's shapes or TGI's: openai or tgi.")


def _name_faults(variant: Variant, place: str) -> Iterator[RecordFault]:
    """Variables and special tokens whose names the request itself gives to the chat template."""
    reason = "The request itself has this name: a record cannot set it."
    for name in variant.template_variables:
        if name in RESERVED_VARIABLES:
            yield RecordFault(f"{place}.template_variables.{name}", reason)
    for name in variant.special_tokens:
        if name in RESERVED_VARIABLES:
            yield RecordFault(f"{place}.special_tokens.{name}", reason)


def _prompt_faults(prompt: ServerPrompt) -> Iterator[RecordFault]:
    for part, text in prompt._asdict().items():
        for found in _PLACEHOLDER.findall(text or ""):
            try:
                variable_names({part: found})
            except prompt_format.PromptFormatError:
                shown = found if len(found) <= 80 else f"{found[:77]}…"
                yield RecordFault(f"prompt.{part}", f"{shown} does not hold a variable's name.")
