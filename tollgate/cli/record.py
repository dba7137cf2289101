"""`tollgate record`: check a model record and print it as an item of the model table."""

from __future__ import annotations

import json
from typing import TextIO

import click


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
def record(file: TextIO) -> None:
    """Check the model record in FILE, and print it as an item for `aws dynamodb put-item --item`.

    Its chat templates are rendered. What speaks against the record, and what may not be meant in it, goes to the error
    output, a sentence a line; a record at fault ends with 1.
    """
    from tollgate.records import RecordError, inspect_record, table_item

    try:
        checked = inspect_record(file.read())
    except RecordError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        _warn(error.warnings)
        raise SystemExit(1) from None
    except UnicodeDecodeError:
        click.echo("The file is not UTF-8 text.", err=True)
        raise SystemExit(1) from None
    _warn(checked.warnings)
    click.echo(json.dumps(table_item(checked.record), indent=2))


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
