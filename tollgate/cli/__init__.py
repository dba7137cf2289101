"""The `tollgate` command: each subcommand's work lives in the package that it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import click

from tollgate.cli.extras import need_extra


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="tollgate")
def main() -> None:
    """An OpenAI-compatible, pay-per-use API for your own models on Amazon Bedrock."""


@main.command(name="inspect")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def inspect_artifacts(directory: Path) -> None:
    """Say whether Custom Model Import takes the model in DIRECTORY; exit with 1 and the reasons if not."""
    from tollgate.artifacts import InspectionError, LocalArtifacts, inspect
    from tollgate.artifacts.report import accepted, refused

    try:
        click.echo(accepted(inspect(LocalArtifacts(directory))))
    except InspectionError as error:
        click.echo(refused(error.problems), err=True)
        raise SystemExit(1) from None


@main.command()
@click.option(
    "--port",
    envvar="PORT",
    default=3000,
    type=click.IntRange(0, 65535),
    help="Port on 127.0.0.1; 0 takes a free one. Also PORT=.",
)
@click.option(
    "--verbose", "-v", is_flag=True, help="Show each state with its time, input and output, and the functions' output."
)
@click.option("--built", is_flag=True, help="Run what `sam build` left; build for this machine's Architecture.")
@click.option(
    "--models",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Models to serve instead of models/local.json.",
)
@click.option("--profile", default="instant", help="How models live in the embedded Bedrock.")
@click.option("--template", default="template.yaml", type=click.Path(path_type=Path), help="The stack.")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A value for a parameter of the template."
)
def dev(
    port: int,
    verbose: bool,
    built: bool,
    models: Path | None,
    profile: str,
    template: Path,
    parameters: tuple[str, ...],
) -> None:
    """Run the whole stack on this machine: no Docker, no AWS account.

    API Gateway, Step Functions, Lambda, DynamoDB, S3 and Bedrock are simulated from template.yaml. IAM, quotas and real
    cold starts are not.
    """
    need_extra("dev", "tollgate dev")
    from tollgate.cli.dev import DevOptions, run

    values = dict(item.split("=", 1) for item in parameters if "=" in item)
    if len(values) != len(parameters):
        raise click.BadParameter("write it as NAME=VALUE", param_hint="--parameter")
    raise SystemExit(run(DevOptions(template, port, verbose, built, models, profile, values)))


@main.command()
@click.option("--port", default=8900, type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--profile", default="instant", help="How models live: instant or case-study.")
@click.option("--speed", default=1.0, help="How much faster than real time models load, idle and decode.")
@click.option("--model", "models", multiple=True, metavar="NAME[:ENGINE]", help="Register a model without artifacts.")
@click.option("--region", default="us-east-1", help="The Region of all ARNs.")
@click.option("--s3-endpoint-url", metavar="URL", help="Where import jobs read artifacts.")
@click.option("--upstream-url", metavar="URL", help="An OpenAI-compatible server for models of the engine `upstream`.")
@click.option("--upstream-model", metavar="NAME", help="The model's name on that server.")
def bedrock(port: int, speed: float, models: tuple[str, ...], **settings: str | None) -> None:
    """Serve the embedded Amazon Bedrock alone, to any AWS SDK through its endpoint URL."""
    need_extra("dev", "tollgate bedrock")
    from tollgate.cli.bedrock import run
    from tollgate.emulators.bedrock import Settings
    from tollgate.emulators.serving import PortInUseError

    try:
        run(Settings(**settings), port=port, speed=speed, models=models)  # type: ignore[arg-type]
    except PortInUseError:
        raise click.UsageError(f"port {port} is in use: choose another with --port") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@main.command()
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


@main.command()
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
def cost(seconds: tuple[float, ...], rates: tuple[float, ...]) -> None:
    """Print what a million requests cost, from AWS's published prices for us-east-1."""
    from tollgate.costs import tables as cost_tables
    from tollgate.tables import plain

    tables = (cost_tables.per_million(seconds, rates), cost_tables.parts(seconds), cost_tables.model())
    click.echo("\n\n".join(map(plain, tables)))
