"""The option by which commands reckon with other prices than the published ones."""

from __future__ import annotations

from pathlib import Path

import click


def _use(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
    if file is None:
        return
    from tollgate.costs import prices
    from tollgate_release.prices import PricesError

    try:
        prices.use(file)
    except PricesError as error:
        raise click.BadParameter(str(error)) from error
    context.call_on_close(prices.use)


prices_option = click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    expose_value=False,
    callback=_use,
    help="A file of prices that take the place of those published for us-east-1 (docs/plan.md).",
)
