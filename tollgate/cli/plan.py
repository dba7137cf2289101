"""`tollgate plan`: what a load would cost a month, and how many of its requests would find a cold model."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from tollgate.cli.output_files import write_text
from tollgate.cli.prices import prices_option
from tollgate.cli.progress_line import show_bar
from tollgate.cli.target import print_json

if TYPE_CHECKING:
    from tollgate.emulators.bedrock.profiles import Profile

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.option(
    "--trace", "source", required=True, help="A file, servegen:FILE, office:20/h or cloudwatch:MODEL_ARN:14d."
)
@click.option("--units", type=click.IntRange(1), help="Custom model units of a copy.  [default: the model's, or 1]")
@click.option(
    "--artifacts", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A model, for its units."
)
@click.option(
    "--model", "profile_file", help="A profile: model.json of `tollgate bench`, or case-study.", default="case-study"
)
@click.option(
    "--policy", "policies", multiple=True, help="none, ping:270s, ping:270s@08-18, batch:hourly …; several times."
)
@click.option("--instance", default="ml.g6e.xlarge", help="The SageMaker instance to compare with.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="How long the trace lasts, if not to its end.")
@click.option("--time-zone", default="UTC", help="The zone of times without one, and of hours in policies.")
@click.option("--seed", default=1, help="For what is drawn by chance: the same seed gives the same plan.")
@click.option("--html", "html_file", type=_NEW_FILE, help="Also write the plan as a page, with plots.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json is for scripts.")
@prices_option
def plan(
    source: str,
    units: int | None,
    artifacts: Path | None,
    profile_file: str,
    policies: tuple[str, ...],
    instance: str,
    hours: float | None,
    time_zone: str,
    seed: int,
    html_file: Path | None,
    output: str,
) -> None:
    """Simulate a load on an imported model: dollars a month, windows, cold requests and latencies under each policy.

    \b
    tollgate plan --trace requests.csv --units 1
    tollgate plan --trace office:20/h --policy none --policy ping:270s@08-18 --html plan.html
    """
    from tollgate.costs import prices
    from tollgate.planning.planning import plan as made
    from tollgate.planning.planning import steps
    from tollgate.planning.policies import DEFAULT_POLICIES, PolicyError
    from tollgate.planning.question import Question
    from tollgate.planning.trace import TraceError
    from tollgate.planning.traces import read_trace

    zone = _zone(time_zone)
    if instance not in prices.INSTANCE_HOUR:
        known = ", ".join(prices.INSTANCE_HOUR)
        raise click.BadParameter(
            f"no price of {instance} is known; there are {known}, and --prices", param_hint="--instance"
        )
    profile, measured_units = _profile(profile_file)
    try:
        trace = read_trace(source, zone, seed)
        chosen_units = units or _units(artifacts) or measured_units or 1
        question = Question(trace, profile, chosen_units, instance, zone, hours or trace.hours)
        chosen = policies or DEFAULT_POLICIES
        done = itertools.count(1)
        found = made(question, chosen, lambda: show_bar("simulating", next(done), steps(chosen)))
    except (TraceError, PolicyError) as error:
        raise click.UsageError(str(error)) from error
    if html_file is not None:
        from tollgate.planning.report import as_html

        write_text(html_file, as_html(found), "--html")
    if output == "json":
        print_json(found)
    else:
        from tollgate.planning.report import as_text

        click.echo(as_text(found))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.BadParameter(f"{name} is no time zone", param_hint="--time-zone") from error


def _units(artifacts: Path | None) -> int | None:
    """The units of a model of which there are the artifacts."""
    if artifacts is None:
        return None
    from tollgate_release.artifacts import InspectionError, LocalArtifacts, inspect

    try:
        return int(inspect(LocalArtifacts(artifacts)).custom_model_units_per_copy)
    except InspectionError as error:
        raise click.UsageError(f"{artifacts} cannot be imported: {'; '.join(map(str, error.problems))}") from error


def _profile(name: str) -> tuple[Profile, int | None]:
    """The profile of a name, or in a file, and the units that the file names."""
    from tollgate.emulators.bedrock.profiles import PROFILES
    from tollgate.emulators.bedrock.profiles import profile as named

    if name in PROFILES:
        return named(name), None
    try:
        document: dict[str, Any] = json.loads(Path(name).read_text(encoding="utf-8"))
        values: dict[str, Any] = {field: row["value"] for field, row in document["profile"].items()}
        return replace(named("case-study"), **values), document.get("units")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{name} is neither a profile ({', '.join(PROFILES)}) nor a model.json of `tollgate bench`: {error}"
        raise click.BadParameter(reason, param_hint="--model") from error
