"""`tollgate inspect`: whether Custom Model Import would take a folder of artifacts."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def inspect(directory: Path) -> None:
    """Say whether Custom Model Import takes the model in DIRECTORY; exit with 1 and the reasons if not."""
    from tollgate_release.artifacts import InspectionError, LocalArtifacts, inspect
    from tollgate_release.artifacts.report import accepted, refused

    try:
        click.echo(accepted(inspect(LocalArtifacts(directory))))
    except InspectionError as error:
        click.echo(refused(error.problems), err=True)
        raise SystemExit(1) from None
