"""Calls a hook once as Lambda does: in a process of its own, by the runtime's client, within the time that it has."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import click

from tollgate.dev.hooks import hook_functions, local_hooks
from tollgate.emulators.lambda_functions import Function, FunctionError
from tollgate.stack.definitions import DefinitionError
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.hooks.contract import HookFailedError, HookReport, checked_answer


class Called(NamedTuple):
    """What came of a call: the answer, None where there is none; a sentence; and the seconds that two calls took."""

    answer: Any
    outcome: str
    is_fine: bool
    first_s: float
    warm_s: float


def call_hook(place: str, event: dict[str, Any]) -> Called:
    """Call the hook at `PATH.py:function`, or of the script `PATH.py`, twice: what a first call costs is its start.

    Raises:
        click.ClickException: there is no such file, or its requirements cannot be installed.
    """
    root = Path.cwd()
    kind = {"model_py": place} if place.endswith(".py") else {event["hook"]: place}
    try:
        hook = local_hooks("try", kind, root)[event["hook"]]
        (function,) = hook_functions([hook], root, _Printed()).values()
    except DefinitionError as error:
        raise click.ClickException(str(error)) from error
    try:
        return _call_twice(function, event)
    finally:
        function.close()


def _call_twice(function: Function, event: dict[str, Any]) -> Called:
    started = time.perf_counter()
    try:
        answer = function.invoke(event)
        first_s = time.perf_counter() - started
        started = time.perf_counter()
        function.invoke(event)
    except FunctionError as error:
        return Called(None, f"it failed: {error}", False, time.perf_counter() - started, 0.0)
    warm_s = time.perf_counter() - started
    return Called(answer, *_judged(event["hook"], answer), first_s, warm_s)


def _judged(hook: str, answer: Any) -> tuple[str, bool]:
    """What Tollgate makes of an answer, as a sentence, and whether it takes it."""
    try:
        taken = checked_answer(hook, HookReport(answer))
    except HookFailedError as error:
        return f"Tollgate would not take this answer: {error.name} (docs/hooks-v1.schema.json)", False
    except ApiError as error:
        return f"the client is refused: {error.kind.status} {error.code}", True
    for name in ("request", "response", "completion"):
        if name in taken:
            return f"Tollgate goes on with its {name}", True
    return "it changes nothing", True


class _Printed:
    """Prints what the hook writes."""

    def line(self, function: str, text: str) -> None:
        click.echo(text, err=True)

    def failure(self, function: str, lines: list[str]) -> None:
        """Everything was printed already."""
