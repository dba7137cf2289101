"""The shape of a file of models, such as models/local.json, and what is wrong with one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ValidationError as RecordError

from tollgate.stack.definitions import DefinitionError
from tollgate_layer.inference.record import check_record
from tollgate_layer.inference.record_check import record_faults
from tollgate_layer.inference.schemas import location

if TYPE_CHECKING:
    from pathlib import Path


class ServeHooks(BaseModel):
    """The team's own code around the model, by files from the checkout: `before` and `after`, or one script."""

    model_config = ConfigDict(extra="forbid", strict=True)

    before: str | None = None
    """`PATH.py:function`."""
    after: str | None = None
    model_py: str | None = None
    """A script with input_fn, predict_fn and output_fn, or transform_fn."""

    @model_validator(mode="after")
    def _one_kind(self) -> ServeHooks:
        if (self.model_py is None) == (self.before is None and self.after is None):
            raise ValueError("give before or after or both, or else model_py")
        return self


class Serve(BaseModel):
    """How the embedded Bedrock gets a model: exactly one of `artifacts`, `engine` and `script`.

    `endpoint` makes it a SageMaker endpoint of that name: instead of an imported model, or, with `artifacts`, as well.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    artifacts: str | None = None
    """A folder of Hugging Face artifacts, from the file's checkout: imported, and really run."""
    engine: Literal["echo", "upstream"] | None = None
    """`echo` answers with the prompt, `upstream` asks the server of --upstream-url."""
    script: str | None = None
    """A file of rules, from the checkout: tollgate/engines/scripted.py."""
    endpoint: str | None = None
    architecture: str = "qwen2"
    body_format: Literal["openai", "bedrock", "mistral", "tgi", "lmi"] = "openai"
    """The last two are those of endpoints' containers."""
    has_chat_template: bool = True
    hooks: ServeHooks | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Serve:
        given = [name for name in ("artifacts", "engine", "script") if getattr(self, name) is not None]
        if len(given) != 1 and not (self.endpoint is not None and not given):
            raise ValueError("give exactly one of artifacts, engine and script")
        return self


class Entry(BaseModel):
    """One model: how it is served, and its record, in which `model_id` may be null."""

    model_config = ConfigDict(extra="forbid", strict=True)

    serve: Serve
    record: dict[str, Any]


def check_entries(entries: Any, path: Path) -> list[Entry]:
    """The entries of a file.

    Raises:
        DefinitionError: something is wrong; the message names the field.
    """
    if not isinstance(entries, list):
        raise DefinitionError(str(path), 'must be a list of {"serve": …, "record": …}')
    checked = []
    for index, entry in enumerate(entries):
        try:
            checked.append(Entry.model_validate(entry))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            place = location((index, *fault["loc"]))
            raise DefinitionError(str(path), f"{place}: {fault['msg'].removeprefix('Value error, ')}") from None
        _check_record(checked[-1].record, f"[{index}].record", path)
    return checked


def _check_record(record: dict[str, Any], place: str, path: Path) -> None:
    """Check a record as `tollgate record` does, with an ARN for the models and hooks that have none yet."""
    complete = json.loads(json.dumps(record))
    for hook in (complete.get("hooks") or {}).values():
        if isinstance(hook, dict) and hook.get("function", "") is None:
            hook["function"] = "arn:aws:lambda:us-east-1:123456789012:function:hook"
    for variant in complete.get("variants") or ():
        if isinstance(variant, dict) and variant.get("model_id", "") is None:
            variant["model_id"] = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
    try:
        faults = record_faults(check_record(json.dumps(complete)))
    except RecordError as error:
        fault = error.errors(include_url=False)[0]
        raise DefinitionError(str(path), f"{place}.{location(fault['loc'])}: {fault['msg']}") from None
    for found in faults:
        raise DefinitionError(str(path), f"{place}.{found.place}: {found.reason}")
