"""`tollgate cost`: what a million requests and a month cost."""

from __future__ import annotations

import click

from tollgate.cli.prices import prices_option


@click.command()
@click.option(
    "--seconds",
    multiple=True,
    default=(1.0, 8.0, 30.0),
    type=click.FloatRange(0, min_open=True),
    help="From the request to the end of the answer; give it once for each column.",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    default=(0.1, 1.0, 10.0),
    type=click.FloatRange(0, min_open=True),
    help="Requests per second, day and night, for the always-on alternatives.",
)
@prices_option
def cost(seconds: tuple[float, ...], rates: tuple[float, ...]) -> None:
    """Print what a million requests and a month cost, from AWS's published prices for us-east-1."""
    from tollgate.costs.tables import model, parts, per_million, per_month
    from tollgate.text_tables import plain

    tables = (per_million(seconds, rates), parts(seconds), model(), per_month())
    click.echo("\n\n".join(map(plain, tables)))
