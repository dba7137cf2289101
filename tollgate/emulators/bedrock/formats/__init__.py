"""The body formats of imported models.

| name | request | answer |
|---|---|---|
| openai_chat | `messages` | chat.completion |
| openai_completion | `prompt` and `max_tokens` | text_completion |
| bedrock | `prompt`, `max_gen_len` | `generation` |
| mistral | `prompt`, `max_tokens` | `outputs` |
| tgi, lmi | `inputs`, `parameters` | `generated_text`: containers of endpoints alone |

On a model of a new import the body chooses among the first three; an older import has only its own
(https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.errors import invalid
from tollgate.emulators.bedrock.formats.base import Answer, BodyFormat, InvocationInfo
from tollgate.emulators.bedrock.formats.bedrock import BedrockFormat
from tollgate.emulators.bedrock.formats.mistral import MistralFormat
from tollgate.emulators.bedrock.formats.openai_chat import OpenAIChatFormat
from tollgate.emulators.bedrock.formats.openai_completion import OpenAICompletionFormat
from tollgate.emulators.bedrock.formats.tgi import TgiFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "BodyFormat", "InvocationInfo", "choose"]

_BEDROCK = BedrockFormat()
_MISTRAL = MistralFormat()
_CHAT = OpenAIChatFormat()
_TGI = {"tgi": TgiFormat(), "lmi": TgiFormat(is_lmi=True)}
_COMPLETION = OpenAICompletionFormat()


def choose(body_format: str, body: Mapping[str, Any]) -> BodyFormat:
    """Choose the format in which a model reads a body.

    Args:
        body_format: the model's: openai, bedrock or mistral; of an endpoint's container also tgi or lmi.
        body: the request's; on a model of `openai` its keys alone decide.

    Raises:
        ServiceError: ValidationException, the body is of no format.
    """
    if body_format == "bedrock":
        return _BEDROCK
    if body_format == "mistral":
        return _MISTRAL
    if body_format in _TGI:
        return _TGI[body_format]
    if "messages" in body:
        return _CHAT
    if "prompt" not in body:
        raise invalid("Malformed input request: the body has neither messages nor prompt.")
    return _COMPLETION if "max_tokens" in body else _BEDROCK
