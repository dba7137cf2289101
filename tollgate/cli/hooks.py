"""`tollgate hooks`: try the team's own code around the model, before it is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.target import print_json

if TYPE_CHECKING:
    from tollgate.hooks.bench import StartCost

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print.")
_CONTENT_TYPE = click.option("--content-type", default="application/json", help="The type of the client's body.")
_ACCEPT = click.option("--accept", default="", help="The type that the client accepts.")


@click.group()
def hooks() -> None:
    """Try, check and measure hooks: your own functions around the model (docs/hooks.md)."""


@hooks.command()
@click.argument("script", type=_FILE)
@click.option("--input", "body", type=_FILE, required=True, help="A client's body, as a file.")
@click.option("--answer", default="OK", help="What the model would say.")
@_CONTENT_TYPE
@_ACCEPT
@_OUTPUT
def check(script: Path, body: Path, answer: str, content_type: str, accept: str, output: str) -> None:
    """Say whether SCRIPT, a model.py of SageMaker's toolkits, can run unchanged as hooks.

    It can if it calls its model once, and does the same each time up to there. Ends with 1 and the reasons if not.

    \b
    tollgate hooks check model.py --input body.json --answer "Finding: SOQL query in a loop"
    """
    from tollgate.hooks.check import check_script
    from tollgate.hooks.events import before_event

    event = before_event(body.read_text(encoding="utf-8"), "model", content_type, accept)
    result = check_script(script, event, answer, _packages(script))
    if output == "json":
        findings = [{"fatal": finding.is_fatal, "text": finding.text} for finding in result.findings]
        told = {"can_run": result.can_run, "findings": findings}
        print_json({**told, "request": result.request, "response": result.response})
    else:
        for finding in result.findings:
            click.echo(("no:   " if finding.is_fatal else "note: ") + finding.text)
        if result.request is not None:
            click.echo("It asks its model:  " + json.dumps(result.request, ensure_ascii=False))
        if result.response is not None:
            click.echo("It answers:         " + json.dumps(result.response, ensure_ascii=False))
        click.echo("It can run as hooks." if result.can_run else "It cannot run as hooks.")
    raise SystemExit(0 if result.can_run else 1)


@hooks.command("try")
@click.argument("hook", metavar="PATH.py:FUNCTION")
@click.argument("event", type=_FILE)
@click.option("--after", "text", help="Call it after the model, which said this. By default it is called before.")
@click.option("--model", default="model", help="The model's name in the event.")
@click.option("--state", default="null", help="What the hook before left, as JSON.")
@_CONTENT_TYPE
@_ACCEPT
@_OUTPUT
def try_(
    hook: str, event: Path, text: str | None, model: str, state: str, content_type: str, accept: str, output: str
) -> None:
    """Call a hook once, in a process as Lambda starts it, on a client's body in the file EVENT.

    What it answers is checked as Tollgate checks it. PATH.py alone is a model.py. Ends with 1 where it fails.

    \b
    tollgate hooks try rules.py:before body.json
    tollgate hooks try rules.py:after body.json --after "The model's text"
    """
    from tollgate.hooks.events import after_event, before_event
    from tollgate.hooks.trying import call_hook

    sent = before_event(event.read_text(encoding="utf-8"), model, content_type, accept)
    if text is not None:
        sent = after_event(sent, text, json.loads(state))
    called = call_hook(hook, sent)
    if output == "json":
        print_json(called._asdict())
    else:
        if called.answer is not None:
            click.echo(json.dumps(called.answer, indent=2, ensure_ascii=False))
        click.echo(f"{called.outcome}; {called.first_s:.3f} s with its start, {called.warm_s:.3f} s when it was warm")
    raise SystemExit(0 if called.is_fine else 1)


@hooks.command()
@click.argument("hook", type=_FILE)
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0.1), default=3.0, help="The record's timeout_s.")
@click.option("--rounds", type=click.IntRange(1, 100), default=5, help="Starts of each kind; the shortest counts.")
@_OUTPUT
def bench(hook: Path, timeout_s: float, rounds: int, output: str) -> None:
    """Measure what the start of HOOK, a Python file, costs: as a multiple of a bare interpreter, on this machine."""
    from tollgate.hooks.bench import BenchError, measure

    try:
        cost = measure(hook.stem, hook.parent, _packages(hook), rounds)
    except BenchError as error:
        raise click.ClickException(f"{hook} cannot be imported: {error}") from error
    if output == "json":
        print_json(_as_json(cost, timeout_s))
        return
    from tollgate.text_tables import plain

    click.echo(f"{hook} starts in {cost.multiple:.1f} × a bare interpreter ({cost.start_s:.3f} s here),")
    click.echo(f"{cost.multiple_without_bytecode:.1f} × without bytecode; {cost.memory_mib:.0f} MiB of memory,")
    click.echo(f"{cost.package_mib:.1f} MiB of files.\n")
    rows = [("import", "× bare"), *((name, f"{seconds / cost.bare_s:.1f}") for name, seconds in cost.imports)]
    click.echo(plain(rows))
    fits = "fits" if cost.without_bytecode_s < timeout_s else "does not fit"
    click.echo(f"\nA start without bytecode {fits} into the timeout of {timeout_s:g} s on this machine.")


def _as_json(cost: StartCost, timeout_s: float) -> dict[str, Any]:
    return {
        "bare_s": round(cost.bare_s, 4),
        "start_s": round(cost.start_s, 4),
        "start_multiple": round(cost.multiple, 2),
        "start_multiple_without_bytecode": round(cost.multiple_without_bytecode, 2),
        "memory_mib": round(cost.memory_mib, 1),
        "package_mib": round(cost.package_mib, 2),
        "imports": {name: round(seconds / cost.bare_s, 2) for name, seconds in cost.imports},
        "fits_timeout": cost.without_bytecode_s < timeout_s,
    }


def _packages(script: Path) -> list[Path]:
    """The folders of modules that a hook has beside its own: ours for scripts, and what its folder requires."""
    from tollgate.dev.hooks import packages_of
    from tollgate.stack.definitions import DefinitionError

    try:
        return packages_of(script.parent, Path.cwd())
    except DefinitionError as error:
        raise click.ClickException(str(error)) from error
