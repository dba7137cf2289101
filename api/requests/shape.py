"""What the request models are made of: the base class of every JSON object, and the row that describes a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag
from pydantic.config import JsonDict

from tollgate_layer.inference.schemas import TOLLGATE, json_kind

OPENAI_CHAT = "openai_chat"
OPENAI_COMPLETION = "openai_completion"
BEDROCK = "bedrock"
MISTRAL = "mistral"
TGI = "tgi"
OPENAI = (OPENAI_CHAT, OPENAI_COMPLETION)
"""The body formats of models, by the names of `tollgate_layer.inference.backends.bedrock.FORMATS`."""

TEMPLATE = "template"
"""The chat template, where Tollgate renders the prompt."""

NOBODY: tuple[str, ...] = ()
"""A label: whatever it says, it changes no answer."""

NO_MODEL = ("no_model",)
"""OpenAI's, and no model here has it: a value that asks for something is refused by name, as unsupported."""

Anything = Any
"""A value that nobody reads, so that its shape does not matter."""


class Shape(BaseModel):
    """A JSON object: nothing is converted from another type, and unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid")


def parameter(
    description: str,
    *,
    honoured_by: Sequence[str],
    renamed: Mapping[str, str] | None = None,
    nothing: Sequence[JsonValue] = (),
    nothing_elsewhere: Sequence[JsonValue] = (),
    required: bool = False,
) -> Any:
    """The row of one request parameter; its type and limits stand in the field's annotation.

    `honoured_by` says who acts on it: body formats, `TEMPLATE`, `TOLLGATE` (us, and then no model sees it unless a
    format is named too), `NO_MODEL` or `NOBODY`. A format that knows the parameter by another name has that in
    `renamed`. `nothing` are the values that ask for nothing: they are dropped, so that formats without the parameter
    accept them. `nothing_elsewhere` ask something of a format that has the parameter, and nothing of one that has not.

    Example:
        >>> class Request(Shape):
        ...     top_k: int | None = parameter("Sample from so many tokens.", honoured_by=OPENAI, nothing=[-1, 0])
    """
    row: JsonDict = {
        "honoured_by": [*honoured_by],
        "renamed": {**(renamed or {})},
        "nothing": [*nothing],
        "nothing_elsewhere": [*nothing_elsewhere],
    }
    if required:
        return Field(description=description, json_schema_extra={"row": row})
    return Field(default=None, description=description, json_schema_extra={"row": row})


# Either text or something else. A plain union would report the errors of every alternative; a tag says which one was
# meant, so that an error inside of a list is told where it is: `messages[0].content[2].type`. The tags stand in angle
# brackets, by which `schemas.location` knows that they are not fields.
Text = Annotated[str, Tag("<text>")]
ListTag = Tag("<list>")
ObjectTag = Tag("<object>")


def either(message: str) -> Discriminator:
    """Choose an alternative by the kind of JSON value; `message` is the error when none has this kind."""
    return Discriminator(json_kind, custom_error_type="type", custom_error_message=message)


__all__ = [
    "BEDROCK",
    "MISTRAL",
    "NOBODY",
    "NO_MODEL",
    "OPENAI",
    "OPENAI_CHAT",
    "OPENAI_COMPLETION",
    "TEMPLATE",
    "TGI",
    "TOLLGATE",
    "Anything",
    "ListTag",
    "ObjectTag",
    "Shape",
    "Text",
    "either",
    "parameter",
]
