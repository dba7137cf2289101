"""`tollgate roll-back`: give all of a model's requests back to the variant that had them before, now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tollgate.cli.record import author, changes_of
from tollgate.cli.target import about_a_stack
from tollgate.cli.weights_moved import is_gone_in, report_move

if TYPE_CHECKING:
    from tollgate.deployment import Deployment


@click.command("roll-back")
@click.argument("model")
@click.option(
    "--to", "variant", metavar="VARIANT", help="The variant; by default the one that had all requests before."
)
@click.option("--reason", default="", help="Why, for the audit.")
@about_a_stack
def roll_back(deployment: Deployment, as_json: bool, model: str, variant: str | None, reason: str) -> None:
    """Give all requests of MODEL back at once.

    In the middle of a release, the release ends with it: it touches the record no more.
    """
    changed = changes_of(deployment).roll_back(model, variant, author(deployment, reason), is_gone_in(deployment))
    report_move(deployment, changed, as_json)
