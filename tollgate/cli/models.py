"""`tollgate models`: what serves, what stands by, what it costs, and what no record needs any more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.record import changes_of, warn
from tollgate.cli.target import about_a_stack, print_json
from tollgate.cli.weights_moved import ago

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.deployment import Deployment
    from tollgate_release.last_use import LastUse, Variant
    from tollgate_release.overview import Deployed
    from tollgate_release.release_table import Change

_HEAD = (
    "MODEL", "VARIANT", "WEIGHT", "STATE", "CMU", "STORAGE/MO", "LAST USED", "WARM", "RELEASED", "IMPORTED MODEL"
)  # fmt: skip


@click.command()
@click.option("--check", is_flag=True, help="End with 10 if a record names an imported model that is gone.")
@click.option("--delete", "orphan", metavar="NAME", help="Delete the imported model NAME, which no record may name.")
@click.option("--yes", is_flag=True, help="With --delete: do not ask.")
@click.option(
    "--yes-it-is-mine",
    is_flag=True,
    help="With --delete: also a model without this stack's tag, which may be another's.",
)
@about_a_stack
def models(
    deployment: Deployment, as_json: bool, check: bool, orphan: str | None, yes: bool, yes_it_is_mine: bool
) -> None:
    """List each model's variants, and the imported models that no record names.

    CMU are custom model units of one model copy, which is what storage and time are billed by. WARM is a guess: likely
    where the variant was asked within the last five minutes.
    """
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.overview import drift
    from tollgate_release.problems import Problem

    if orphan is not None:
        _delete(deployment, as_json, orphan, yes, yes_it_is_mine)
        return
    now = deployment.now()
    problems: list[str] = []
    rows, knows_imported = _rows(deployment, problems)
    uses = _uses(deployment, rows, now, problems)
    kept_warm = [] if as_json else _kept_warm(deployment, problems)
    warn(problems)
    if as_json:
        print_json([_as_json(row, uses, now) for row in rows])
    else:
        click.echo("\n".join([_as_text(rows, uses, now), *kept_warm]))
    if not check:
        return
    if not knows_imported:
        raise Problem("What is gone cannot be told, since the imported models cannot be listed.", ExitCode.PERMISSION)
    gone = drift(rows)
    if gone:
        raise Problem("\n".join(gone), ExitCode.DRIFT)


def _rows(deployment: Deployment, problems: list[str]) -> tuple[list[Deployed], bool]:
    """The rows, and whether the imported models could be listed."""
    from botocore.exceptions import ClientError

    from tollgate_release.overview import Place, imported_models, overview, told

    records = changes_of(deployment)
    may_read = True

    def changes(model: str) -> list[Change]:
        nonlocal may_read
        if not may_read:
            return []
        try:
            found: list[Change] = records.releases.changes(model)
        except ClientError as error:
            problems.append(told(error))
            may_read = False
            return []
        return found

    stored = records.models.list(problems)
    imported = imported_models(deployment.client("bedrock"), problems)
    rows = overview(stored, imported, Place.of(deployment.output("ModelTableArn")), changes)
    return rows, imported is not None


def _uses(deployment: Deployment, rows: list[Deployed], now: float, problems: list[str]) -> dict[Variant, LastUse]:
    from botocore.exceptions import BotoCoreError, ClientError

    from tollgate_release.last_use import last_uses
    from tollgate_release.overview import told

    variants = [(row.model, row.variant) for row in rows if row.model is not None and row.variant is not None]
    try:
        return last_uses(deployment.client("cloudwatch"), deployment.stack, variants, now)
    except (ClientError, BotoCoreError) as error:
        problems.append(told(error))
        return {}


def _kept_warm(deployment: Deployment, problems: list[str]) -> list[str]:
    """A line for each model that is kept warm, with what that costs; none in a stack without releases."""
    from botocore.exceptions import BotoCoreError, ClientError

    from tollgate_release.keep_warm.schedules import KeepWarmSchedules
    from tollgate_release.overview import told

    group = deployment.outputs.get("ScheduleGroupName")
    if group is None:
        return []
    schedules = KeepWarmSchedules(
        deployment.client("scheduler"),
        group,
        deployment.output("InferenceStateMachineArn"),
        deployment.output("SchedulerRoleArn"),
    )
    try:
        return [
            f"kept warm: {one.model}, {one.hours} {one.timezone}, at most ${one.usd_per_month:,.0f} a month per copy"
            for one in schedules.all()
        ]
    except (ClientError, BotoCoreError) as error:
        problems.append(told(error))
        return []


def _as_json(row: Deployed, uses: Mapping[Variant, LastUse], now: float) -> dict[str, Any]:
    from tollgate_release.overview import warmth

    use = uses.get((row.model or "", row.variant or ""))
    return {
        "model": row.model,
        "variant": row.variant,
        "weight": row.weight,
        "state": row.state,
        "model_arn": row.model_arn,
        "imported_model": row.imported.name if row.imported else None,
        "custom_model_units": row.imported.units if row.imported else None,
        "storage_usd_per_month": _storage(row),
        "last_used": _time(use.by_clients if use else None),
        "warm": warmth(row, uses, now),
        "released_at": _time(row.brought_at),
        "released_by": row.brought_by,
    }


def _as_text(rows: list[Deployed], uses: Mapping[Variant, LastUse], now: float) -> str:
    from tollgate.text_tables import listing

    if not rows:
        return "There is no model yet, neither in a record nor imported."
    table = [_HEAD, *(_cells(row, uses, now) for row in rows)]
    stored = {row.model_arn: _storage(row) for row in rows if row.imported}
    known = [usd for usd in stored.values() if usd is not None]
    count = f"{len(stored)} imported model{'' if len(stored) == 1 else 's'}"
    price = f"${sum(known):.2f} a month for storage" if len(known) == len(stored) else "storage unknown"
    return f"{listing(table, numbers=('WEIGHT', 'CMU', 'STORAGE/MO'))}\n{count}, {price}"


def _cells(row: Deployed, uses: Mapping[Variant, LastUse], now: float) -> tuple[str, ...]:
    from tollgate_release.overview import warmth

    unknown = "unknown" if row.state not in ("missing", "sagemaker") else "–"
    usd = _storage(row)
    units = row.imported.units if row.imported else None
    released = "–"
    if row.brought_at is not None:
        released = f"{ago(now - row.brought_at)} by {_short(row.brought_by or 'unknown')}"
    return (
        row.model or "–",
        row.variant or "–",
        "–" if row.weight is None else str(row.weight),
        row.state,
        unknown if units is None else str(units),
        unknown if usd is None else f"${usd:.2f}",
        _last_used(row, uses, now),
        "–" if row.state == "orphan" else warmth(row, uses, now) or "–",
        released,
        row.imported.name if row.imported else f"…/{row.model_arn.rpartition('/')[2]}",
    )


def _last_used(row: Deployed, uses: Mapping[Variant, LastUse], now: float) -> str:
    from tollgate_release.last_use import DAYS

    if row.model is None or row.variant is None:
        return "–"
    use = uses.get((row.model, row.variant))
    if use is None:
        return "unknown"
    if use.by_clients is None:
        return f"not in {DAYS} d"
    # The figure is of a whole minute, of which only the beginning is known.
    return "< 1 min ago" if now - use.by_clients < 60 else ago(now - use.by_clients)


def _storage(row: Deployed) -> float | None:
    from tollgate.costs import prices

    if row.imported is None or row.imported.units is None:
        return None
    return round(row.imported.units * prices.CUSTOM_MODEL_UNIT_STORAGE_MONTH, 2)


def _time(at: float | None) -> str | None:
    return None if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _short(who: str) -> str:
    """The end of an ARN, by which people know each other: `ci/build-812`, `alice`."""
    end = who.rpartition(":")[2]
    for prefix in ("assumed-role/", "user/", "role/"):
        end = end.removeprefix(prefix)
    return end


def _delete(deployment: Deployment, as_json: bool, name: str, yes: bool, is_mine: bool) -> None:
    from tollgate.costs import prices
    from tollgate_release.orphans import find_orphan

    bedrock = deployment.client("bedrock")
    now = deployment.now()
    found = find_orphan(bedrock, changes_of(deployment), name, stack=deployment.stack, now=now, is_mine=is_mine)
    usd = None if found.units is None else round(found.units * prices.CUSTOM_MODEL_UNIT_STORAGE_MONTH, 2)
    price = "" if usd is None else f", ${usd:.2f} a month"
    about = f"{found.name} ({found.arn}{price}, imported {ago(now - found.imported_at)})"
    if not yes:
        click.confirm(f"Delete {about}? It must be imported again to come back.", abort=True, err=True)
    bedrock.delete_imported_model(modelIdentifier=found.arn)
    if as_json:
        print_json({"deleted": found.name, "model_arn": found.arn, "storage_usd_per_month": usd})
    else:
        click.echo(f"Deleted {about}.")
