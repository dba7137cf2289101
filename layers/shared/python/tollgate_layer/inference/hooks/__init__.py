"""Hooks: the team's own functions, called before and after the model where the model's record names them.

__init__.py   which hooks a request has; all that a request without hooks needs
contract.py   what is sent to hooks, and what of their answers is taken
before.py     client's body → hook → request
after.py      completion → hook → response
"""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.record import Hooks, parse_record
from tollgate_layer.inference.telemetry import NOT_CLIENTS

NO_HOOKS = Hooks(None, None)


def hooks_of(record_text: str | None, key_id: str | None) -> Hooks:
    """The hooks that a request goes through, by its model's record.

    Keep-warm's pings and a release's golden prompts are no clients': they ask the model itself.
    """
    if record_text is None or key_id in NOT_CLIENTS:
        return NO_HOOKS
    return _hooks_in(record_text)


def hook_of_shadow(record_text: str | None) -> Hooks:
    """The hook that a shadow goes through: what it answered to the client's request is given along."""
    return NO_HOOKS if record_text is None else Hooks(_hooks_in(record_text).before, None)


def _hooks_in(record_text: str) -> Hooks:
    try:
        record = parse_record(record_text)
    except ApiError:  # told when the request is prepared, after what is wrong with the request
        return NO_HOOKS
    return record.hooks or NO_HOOKS


def with_after(spec: CompletionSpec, hooks: Hooks, hook_state: Any) -> CompletionSpec:
    """The spec of a completion that the record's hook is to see, if it has one, and does not leave streams alone."""
    after = hooks.after
    if after is None or (spec.stream and after.stream == "off"):
        return spec
    return spec._replace(after=after._asdict(), hook_state=hook_state)
