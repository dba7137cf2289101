"""The `tollgate` command: each subcommand's work lives in the package that it starts."""

from __future__ import annotations

from pathlib import Path

import click


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
