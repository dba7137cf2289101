"""`tollgate record`: check a model record and print it as an item of the model table."""

from __future__ import annotations

import json
from typing import TextIO

import click


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
def record(file: TextIO) -> None:
    """Check the model record in FILE, and print it as an item for `aws dynamodb put-item --item`."""
    from tollgate.records import RecordError, check_record, table_item

    try:
        click.echo(json.dumps(table_item(check_record(file.read())), indent=2))
    except RecordError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise SystemExit(1) from None
