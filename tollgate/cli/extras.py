"""The check that subcommands make before they import what an extra brings."""

from __future__ import annotations

import click

from tollgate.extras import MissingExtraError, require_extra


def need_extra(extra: str, command: str) -> None:
    """End the command with one sentence, instead of a traceback, if an extra is not installed."""
    try:
        require_extra(extra, f"`{command}`")
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from None
