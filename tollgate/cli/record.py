"""`tollgate record`: check model records, and put them into the model table without overwriting anybody's."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, TextIO

import click

from tollgate.cli.target import about_a_stack, print_json

if TYPE_CHECKING:
    from tollgate.deployment import Deployment
    from tollgate_release.changes import Author, Changed


class _FileIsACheck(click.Group):
    """A group whose first argument may be a file: `tollgate record FILE` checks it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and (args[0] == "-" or not args[0].startswith("-")):
            args = ["check", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_FileIsACheck, subcommand_metavar="FILE | COMMAND [ARGS]...")
def record() -> None:
    """Check the model record in FILE, or change the records of a stack.

    `tollgate record FILE` checks it and prints it as an item for `aws dynamodb put-item --item`.
    """


@record.command()
@click.argument("file", type=click.File(encoding="utf-8"))
def check(file: TextIO) -> None:
    """Check the record in FILE, and print it as an item of the model table.

    Its chat templates are rendered. What speaks against the record, and what may not be meant in it, goes to the error
    output, a sentence a line; a record at fault ends with 1.
    """
    from tollgate_release.records import RecordError, inspect_record, table_item

    try:
        checked = inspect_record(file.read())
    except RecordError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        warn(error.warnings)
        raise SystemExit(1) from None
    except UnicodeDecodeError:
        click.echo("The file is not UTF-8 text.", err=True)
        raise SystemExit(1) from None
    warn(checked.warnings)
    click.echo(json.dumps(table_item(checked.record), indent=2))


@record.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--if-revision", type=int, help="Write only if the record still has this revision; 0: if there is none.")
@click.option("--reason", default="", help="Why, for the audit.")
@about_a_stack
def put(deployment: Deployment, as_json: bool, file: TextIO, if_revision: int | None, reason: str) -> None:
    """Check the record in FILE, and write it into the model table.

    It is refused in the middle of a release of the model, and when somebody else was faster.
    """
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise click.ClickException("The file is not UTF-8 text.") from None
    report(changes_of(deployment).put(text, author(deployment, reason), if_revision), as_json)


@record.command()
@click.argument("model")
@about_a_stack
def get(deployment: Deployment, as_json: bool, model: str) -> None:
    """Print the record of MODEL, to be edited and put again."""
    stored = changes_of(deployment).get(model)
    if as_json:
        print_json(_described(stored))
        return
    click.echo(json.dumps(stored.record, indent=2, ensure_ascii=False))
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(stored.updated_at))
    released = f"; being released: {stored.releasing}" if stored.releasing else ""
    click.echo(f"revision {stored.revision}, written {when} by {stored.updated_by or 'unknown'}{released}", err=True)


@record.command("list")
@about_a_stack
def list_records(deployment: Deployment, as_json: bool) -> None:
    """List the records: model, revision, weights, and who wrote them when."""
    from tollgate.text_tables import listing
    from tollgate_release.weights import weights

    problems: list[str] = []
    records = changes_of(deployment).models.list(problems)
    warn(problems)
    if as_json:
        print_json([_described(stored) for stored in records])
        return
    rows = [("MODEL", "REVISION", "VARIANTS", "WRITTEN", "BY")]
    for stored in records:
        shares = ", ".join(f"{name} {weight}" for name, weight in weights(stored.record).items())
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(stored.updated_at))
        rows.append((stored.model, str(stored.revision), shares, when, stored.updated_by or "unknown"))
    click.echo(listing(rows, numbers=("REVISION",)))


@record.command()
@click.argument("model")
@click.option("--if-revision", type=int, help="Delete only if the record still has this revision.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", help="Why, for the audit.")
@about_a_stack
def delete(deployment: Deployment, as_json: bool, model: str, if_revision: int | None, yes: bool, reason: str) -> None:
    """Delete the record of MODEL: clients are then told that there is no such model. Imported models stay."""
    changes = changes_of(deployment)
    changes.get(model)
    if not yes:
        click.confirm(f"Delete the record of {model}? Its clients are refused from then on.", abort=True, err=True)
    report(changes.delete(model, author(deployment, reason), if_revision), as_json)


def changes_of(deployment: Deployment) -> Any:
    """What reads and changes the records of a stack."""
    from tollgate_release.changes import RecordChanges
    from tollgate_release.model_table import ModelTable
    from tollgate_release.release_table import ReleaseTable

    dynamodb = deployment.client("dynamodb")
    models = ModelTable(dynamodb, deployment.output("ModelTableName"))
    return RecordChanges(models, ReleaseTable(dynamodb, deployment.output("ReleaseTableName")))


def author(deployment: Deployment, reason: str = "") -> Author:
    """Whoever runs the command, now."""
    from tollgate_release.changes import Author

    return Author(deployment.who(), deployment.now(), reason)


def report(changed: Changed, as_json: bool, **more: Any) -> None:
    """Print what was changed; `more` goes into the JSON."""
    from tollgate_release.record_diff import changed_fields, shown_weights
    from tollgate_release.weights import weights

    fields = changed_fields(changed.before, changed.after)
    warn(changed.warnings)
    if as_json:
        after = weights(changed.after) if changed.after else {}
        told = {"model": changed.model, "revision": changed.revision, "weights": after, "changed": fields}
        print_json({**told, **more, "warnings": changed.warnings})
        return
    if changed.after is None:
        click.echo(f"{changed.model}: deleted (revision {changed.revision})")
        return
    also = f"; {', '.join(fields)} changed" if fields and changed.before else ""
    click.echo(f"{changed.model}: {shown_weights(changed.before, changed.after)}{also} (revision {changed.revision})")


def warn(warnings: list[str]) -> None:
    """Print what may not be meant."""
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)


def _described(stored: Any) -> dict[str, Any]:
    return {
        "model": stored.model,
        "revision": stored.revision,
        "updated_at": stored.updated_at,
        "updated_by": stored.updated_by,
        "releasing": stored.releasing,
        "record": stored.record,
    }
