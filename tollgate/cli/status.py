"""`tollgate status`, `pause`, `resume` and `abort`: a release that runs, or the last one."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.target import about_a_stack, print_json

if TYPE_CHECKING:
    from tollgate.deployment import Deployment

_TRIES = 5


@click.command()
@click.argument("model")
@click.option("--follow", is_flag=True, help="Go on until it ends, and end with its exit code.")
@about_a_stack
def status(deployment: Deployment, as_json: bool, model: str, follow: bool) -> None:
    """Show the release of MODEL that runs, or the last one."""
    from tollgate.releases.following import follow as follow_release
    from tollgate.releases.progress import Teller
    from tollgate.releases.services import services_of

    services = services_of(deployment)
    document = _latest(services, model)
    if follow and document["stage"] != "done" and document["execution_arn"]:
        teller = Teller(as_json)
        ended = follow_release(deployment, services, document["execution_arn"], model, teller)
        teller.ended(ended)
        sys.exit(ended.exit_code)
    if as_json:
        print_json(document)
        return
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(document["started_at"]))
    state = document["result"] or f"{document['stage']} {document['order']}".strip()
    click.echo(f"{document['model']}/{document['variant']}: {state}")
    click.echo(f"  started {started} by {document['started_by']}, from {document['source']}")
    for event in document["events"]:
        at = time.strftime("%H:%M:%S", time.gmtime(event["at"]))
        click.echo(f"  {at}  {event['stage']:<12} {event['detail']}")
    if document["message"]:
        click.echo(document["message"])
    if follow:
        sys.exit(document["exit_code"])


@click.command()
@click.argument("model")
@about_a_stack
def pause(deployment: Deployment, as_json: bool, model: str) -> None:
    """Leave the canary of MODEL at its weight until `tollgate resume`."""
    _order(deployment, model, "pause", as_json)


@click.command()
@click.argument("model")
@about_a_stack
def resume(deployment: Deployment, as_json: bool, model: str) -> None:
    """Go on with the release of MODEL after `tollgate pause`."""
    _order(deployment, model, "", as_json)


@click.command()
@click.argument("model")
@about_a_stack
def abort(deployment: Deployment, as_json: bool, model: str) -> None:
    """End the release of MODEL: everything goes back to the variant that served before."""
    from tollgate.releases.services import services_of
    from tollgate_release.steps import run
    from tollgate_release.steps.begin import is_running

    services = services_of(deployment)
    document = _order(deployment, model, "abort", as_json)
    if is_running(document["execution_arn"], services):
        return
    # Nobody runs it any more: its way back is taken here.
    answer: dict[str, Any] = {"next": "roll_back", "model": model, "release": document["variant"], "error": "aborted"}
    while answer["next"] != "done":
        answer = run(answer["next"], answer, deployment.now(), services)
    click.echo(f"{model}: rolled back", err=True)


def _order(deployment: Deployment, model: str, order: str, as_json: bool) -> dict[str, Any]:
    """Write an order into the release that runs; the machine sees it at its next look.

    Raises:
        Problem: none runs.
    """
    from tollgate.releases.services import services_of
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.problems import Problem

    services = services_of(deployment)
    for _ in range(_TRIES):
        document = _latest(services, model)
        if document["stage"] == "done":
            raise Problem(f"No release of {model} runs.", ExitCode.USAGE)
        document["order"] = order
        if services.releases.put_release(model, document["variant"], document):
            break
    if as_json:
        print_json({"model": model, "variant": document["variant"], "order": order})
    else:
        click.echo(f"{model}/{document['variant']}: {order or 'resume'}; the machine follows at its next look")
    return document


def _latest(services: Any, model: str) -> dict[str, Any]:
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.problems import Problem

    releases = services.releases.releases(model)
    if not releases:
        raise Problem(f"{model} was never released with this stack.", ExitCode.USAGE)
    running = [document for document in releases if document["stage"] != "done"]
    found: dict[str, Any] = (running or releases)[0]
    return found
