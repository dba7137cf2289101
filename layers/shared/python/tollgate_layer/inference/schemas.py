"""The generated schemas: validators of what comes from outside, and the table of request parameters.

`make api` writes the files in `generated/` from the pydantic models in `api/`. A validator only checks, and what passes
is used as it was parsed; pydantic itself is not deployed. pydantic_core is imported by the first validator that is
asked for, because Postprocess needs the table and the functions here, and no validator.
https://docs.pydantic.dev/latest/api/pydantic_core/#pydantic_core.SchemaValidator
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate_layer.inference.json_text import JsonObject

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

TOLLGATE = "tollgate"
"""The name of Tollgate itself among those who honour a parameter."""

FUNCTION_MARKER = "$function"
"""Stands in the generated JSON for a function of this module: `{"$function": "json_kind"}`."""


class Parameter(NamedTuple):
    """One parameter of a request.

    `nothing` are the values that ask for nothing, `nothing_elsewhere` those that ask nothing of a body format that does
    not know the parameter. `honoured_by` maps those who act on the parameter to the name under
    which they know it: body formats (`openai_chat`, `openai_completion`, `bedrock`, `mistral`), the chat template of
    rendered prompts (`template`), Tollgate itself (`tollgate`), or `no_model`, which stands for a format that no model
    has. A label has nobody there.
    """

    nothing: tuple[Any, ...]
    nothing_elsewhere: tuple[Any, ...]
    honoured_by: Mapping[str, str]

    @property
    def reaches_the_model(self) -> bool:
        """Whether anybody but Tollgate itself acts on the parameter; labels and our own stay with us."""
        return bool(self.honoured_by.keys() - {TOLLGATE})

    def asks_for_nothing(self, value: Any) -> bool:
        """Whether a value has no effect, so that formats without the parameter can accept it.

        False and 0 are equal in Python and are not the same in JSON: `logprobs: 0` of a text completion asks for some.
        """
        for nothing in self.nothing:
            if value == nothing and isinstance(value, bool) == isinstance(nothing, bool):
                return True
        return False


@cache
def validator(name: str) -> SchemaValidator:
    """The validator of `generated/<name>.json`: "chat_completions", "completions" or "model_record".

    Example:
        >>> validator("completions").validate_python({"model": "apexguru", "prompt": "Hello"})
        {'model': 'apexguru', 'prompt': 'Hello'}
    """
    from pydantic_core import SchemaValidator

    return SchemaValidator(read_generated(name))


class Fault(NamedTuple):
    """What is wrong with a document: where (`messages[2].role`), and why, as a sentence for who wrote it."""

    location: str
    reason: str


def first_fault(name: str, document: JsonObject) -> Fault | None:
    """The first thing that is wrong with a document by the validator `name`; None where nothing is."""
    from pydantic_core import ValidationError

    try:
        validator(name).validate_python(document)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            if fault["type"] != "extra_forbidden":
                return Fault(location(fault["loc"]), fault["msg"])
            if fault["input"] is not None:  # null asks for nothing, also in a field that we do not know (yet)
                return Fault(location(fault["loc"]), "Unknown parameter.")
    return None


@cache
def parameters() -> Mapping[str, Parameter]:
    """Every parameter of the requests, by name."""
    table = {}
    for name, row in read_generated("parameters").items():
        table[name] = Parameter(tuple(row["nothing"]), tuple(row["nothing_elsewhere"]), row["honoured_by"])
    return table


@cache
def request_fields() -> frozenset[str]:
    """Every field of the requests, also those inside of others: `messages.content.type`."""
    return frozenset(read_generated("request_fields"))


def location(steps: tuple[int | str, ...]) -> str:
    """Where in a document an error is, in a client's words: `messages[2].role`.

    Steps in angle brackets are alternatives of a tagged union and not fields.
    """
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not (step.startswith("<") and step.endswith(">")):
            path += f".{step}" if path else step
    return path[:200]


def json_kind(value: Any) -> str | None:
    """The tag of a JSON value, by which a union of text and list, or text and object, chooses its alternative."""
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, list):
        return "<list>"
    if isinstance(value, dict):
        return "<object>"
    return None


def read_generated(name: str) -> Any:
    """The content of `generated/<name>.json`."""
    path = os.path.join(os.path.dirname(__file__), "generated", f"{name}.json")  # noqa: PTH118, PTH120 -- see below
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 -- importing pathlib costs more than reading the file
        return json.load(file, object_hook=_put_functions_in)


def _put_functions_in(node: dict[str, Any]) -> Any:
    """Replace a marker by the function that it names."""
    if FUNCTION_MARKER in node:
        return {"json_kind": json_kind}[node[FUNCTION_MARKER]]
    return node
