"""`tollgate keep-warm`: a schedule that asks a model for one token, so that it stays loaded; and what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tollgate.cli.prices import prices_option
from tollgate.cli.target import about_a_stack, print_json

if TYPE_CHECKING:
    from tollgate.deployment import Deployment
    from tollgate_release.keep_warm.probe import ProbeFindings, Try


@click.group()
def keep_warm() -> None:
    """Keep a model loaded, always or in business hours: the price is shown before it is switched on."""


@keep_warm.command()
@click.argument("model")
@click.option("--hours", default="always", help="always, or days and hours as in mon-fri,08:00-18:00.")
@click.option("--timezone", default="UTC", help="The zone of the hours, such as Europe/Berlin.")
@click.option("--every", default=4, type=click.IntRange(1, 720), help="Minutes between two requests.")
@click.option("--stay", type=float, help="Minutes that a copy stays without requests, as `probe` has measured.")
@click.option("--max-usd-per-month", type=float, help="Refuse if a month may cost more.")
@click.option("--units", type=click.IntRange(1), help="Custom model units per copy, where they cannot be looked up.")
@click.option("--yes", is_flag=True, help="Do not ask; needs --max-usd-per-month.")
@about_a_stack
@prices_option
def on(
    deployment: Deployment,
    as_json: bool,
    model: str,
    hours: str,
    timezone: str,
    every: int,
    stay: float | None,
    max_usd_per_month: float | None,
    units: int | None,
    yes: bool,
) -> None:
    """Keep MODEL warm: whichever of its variants gets requests."""
    from tollgate.costs import prices
    from tollgate.releases.keeping_warm import (
        check_zone,
        described,
        note,
        price_lines,
        refuse_what_helps_nobody,
        schedules_of,
        units_of_model,
    )
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.keep_warm.hours import Hours, HoursError, lead_minutes
    from tollgate_release.keep_warm.price import DOCUMENTED_STAY_MINUTES, price
    from tollgate_release.keep_warm.schedules import KeepWarm
    from tollgate_release.problems import Problem

    try:
        wanted = Hours.parse(hours)
    except HoursError as error:
        raise Problem(str(error), ExitCode.USAGE) from error
    check_zone(timezone)
    if yes and max_usd_per_month is None:
        raise Problem("--yes needs --max-usd-per-month: nobody has seen the price.", ExitCode.USAGE)
    units = units or units_of_model(deployment, model)
    lead = lead_minutes(None)
    stays = stay or DOCUMENTED_STAY_MINUTES
    month = price(wanted.begun_earlier(lead), every, units, prices.window_usd(), stay_minutes=stays)
    refuse_what_helps_nobody(every, stays, month)
    if max_usd_per_month is not None and month.usd > max_usd_per_month:
        text = f"It may cost ${month.usd:,.0f} a month, over the limit of ${max_usd_per_month:,.0f}: not switched on."
        raise Problem(text, ExitCode.PERMISSION)
    setting = KeepWarm(
        model, wanted.option, timezone, every, lead, units, round(month.usd, 2), max_usd_per_month, deployment.who()
    )
    if not as_json:
        for line in price_lines(setting, wanted, month, stay):
            click.echo(line)
    if not yes:
        click.confirm("Switch it on?", abort=True, err=True)
    schedules_of(deployment).switch_on(setting)
    note(deployment, model, "keep_warm on", f"{wanted.text} {timezone}, every {every} min, ${month.usd:,.0f} a month")
    if as_json:
        print_json(described(setting))
    else:
        click.echo(f"{model} is kept warm: {wanted.text}, at most ${month.usd:,.0f} a month.")


@keep_warm.command()
@click.argument("model")
@about_a_stack
def off(deployment: Deployment, as_json: bool, model: str) -> None:
    """Keep MODEL warm no longer."""
    from tollgate.releases.keeping_warm import note, schedules_of
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.problems import Problem

    if not schedules_of(deployment).switch_off(model):
        raise Problem(f"{model} is not kept warm.", ExitCode.USAGE)
    note(deployment, model, "keep_warm off", "")
    if as_json:
        print_json({"model": model, "keep_warm": None})
    else:
        click.echo("Off. The last window ends within 5 min.")


@keep_warm.command()
@click.argument("model", required=False)
@about_a_stack
def status(deployment: Deployment, as_json: bool, model: str | None) -> None:
    """Show what is kept warm, and in how many of the last 7 days' requests it was found so."""
    from tollgate.releases.keeping_warm import described, pings_of, schedules_of

    settings = [one for one in schedules_of(deployment).all() if model in (None, one.model)]
    found = [{**described(one), **pings_of(deployment, one.model)} for one in settings]
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("Nothing is kept warm.")
    for one in found:
        pings, warm = one["pings"], one["pings"] - one["cold_pings"]
        share = f"{warm} of {pings} requests found it warm ({warm / pings:.1%})" if pings else "no request yet"
        limit = "no limit" if one["max_usd_per_month"] is None else f"limit ${one['max_usd_per_month']:,.0f}"
        click.echo(
            f"{one['model']}: {one['hours']} {one['timezone']}, every {one['every_minutes']} min, "
            f"at most ${one['usd_per_month']:,.0f} a month ({limit}); in the last 7 days {share}"
        )


@keep_warm.command()
@click.argument("model")
@click.option("--gaps", default="6,10,14,20,30,45,60", help="Minutes to wait, one gap after the other.")
@click.option("--tries", default=3, type=click.IntRange(1), help="How often each gap is tried.")
@click.option("--move-clock", is_flag=True, help="With --local: move the simulated clock instead of waiting.")
@click.option("--units", type=click.IntRange(1), help="Custom model units per copy, where they cannot be looked up.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@about_a_stack
def probe(
    deployment: Deployment,
    as_json: bool,
    model: str,
    gaps: str,
    tries: int,
    move_clock: bool,
    units: int | None,
    yes: bool,
) -> None:
    """Measure how long MODEL stays loaded without requests. It may be a variant that nobody asks, as model@variant."""
    from tollgate.costs import prices
    from tollgate.releases.keeping_warm import units_of_model
    from tollgate.releases.probing import ProbedModel
    from tollgate.releases.services import services_of
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.keep_warm.probe import ProbeError
    from tollgate_release.keep_warm.probe import probe as measure
    from tollgate_release.problems import Problem

    try:
        minutes = [int(gap) for gap in gaps.split(",")]
    except ValueError as error:
        raise Problem(f"--gaps: {gaps!r} are no minutes, as in 6,10,14", ExitCode.USAGE) from error
    units = units or units_of_model(deployment, model)
    most = (len(minutes) * tries + 2) * prices.window_usd() * units
    click.echo(
        f"This takes up to {sum(minutes) * tries / 60:.1f} h and costs up to ${most:.2f}; it ends at the first gap "
        "after which the model was cold twice.",
        err=True,
    )
    if not yes:
        click.confirm("Begin?", abort=True, err=True)
    try:
        findings = measure(
            ProbedModel(deployment, services_of(deployment), model, move_clock), _tell_try, minutes, tries
        )
    except ProbeError as error:
        raise Problem(str(error), ExitCode.UNEXPECTED) from error
    _tell_findings(findings, model, as_json)


def _tell_try(one: Try) -> None:
    answer = "cold" if not one.was_warm else f"warm, {one.seconds:.1f} s"
    click.echo(f"  after {one.gap_minutes:>3} min  {answer}", err=True)


def _tell_findings(findings: ProbeFindings, model: str, as_json: bool) -> None:
    stays = findings.stays_minutes()
    if as_json:
        tries = [
            {"gap_minutes": one.gap_minutes, "warm": one.was_warm, "seconds": one.seconds} for one in findings.tries
        ]
        print_json(
            {"model": model, "stays_minutes": stays, "surely_warm_share": findings.surely_warm_share(), "tries": tries}
        )
    elif stays is None:
        click.echo(f"{model} was cold after the shortest gap. Keep it warm every 4 min: tollgate keep-warm on {model}")
    else:
        every = max(1, stays - 1)
        click.echo(
            f"{model} was warm after {stays} min every time: at least {findings.surely_warm_share():.0%} of the time, "
            f"with 95 % confidence.\nUse it: tollgate keep-warm on {model} --every {every} --stay {stays}"
        )
