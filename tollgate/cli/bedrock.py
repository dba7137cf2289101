"""`tollgate bedrock`: the embedded Amazon Bedrock alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tollgate.account import REGION
from tollgate.cli.ending import Ending
from tollgate.cli.extras import need_extra
from tollgate.cli.named_values import named_values

if TYPE_CHECKING:
    from tollgate.emulators.bedrock import Bedrock


@click.command()
@click.option("--port", default=8900, type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--profile", default="instant", help="How models live: instant or case-study.")
@click.option("--speed", default=1.0, help="How much faster than real time models load, idle and decode.")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=NUMBER",
    help="A time or limit other than the profile's, such as idle_seconds=600, import_seconds=30, "
    "cold_start_seconds=90, imported_models_quota=5.",
)
@click.option("--model", "models", multiple=True, metavar="NAME[:ENGINE]", help="Register a model without artifacts.")
@click.option("--region", default=REGION, help="The Region of all ARNs.")
@click.option("--s3-endpoint-url", metavar="URL", help="Where import jobs read artifacts.")
@click.option("--upstream-url", metavar="URL", help="An OpenAI-compatible server for models of the engine `upstream`.")
@click.option("--upstream-model", metavar="NAME", help="The model's name on that server.")
def bedrock(
    port: int,
    profile: str,
    speed: float,
    settings: tuple[str, ...],
    models: tuple[str, ...],
    region: str,
    s3_endpoint_url: str | None,
    upstream_url: str | None,
    upstream_model: str | None,
) -> None:
    """Serve the embedded Amazon Bedrock alone, to any AWS SDK through its endpoint URL."""
    need_extra("dev", "tollgate bedrock")
    ending = Ending()
    from tollgate.emulators.bedrock import Bedrock, Settings
    from tollgate.emulators.bedrock.changes import change
    from tollgate.emulators.clock import Clock
    from tollgate.loopback import PortInUseError

    start = Settings(
        region=region,
        profile=profile,
        s3_endpoint_url=s3_endpoint_url,
        upstream_url=upstream_url,
        upstream_model=upstream_model,
    )
    try:
        service = Bedrock(start, Clock(speed))
        change(service, named_values(settings, "--setting"))
        arns = {}
        for model in models:
            name, _, engine = model.partition(":")
            arns[name] = service.register(name, engine or "echo")
        _serve(service, arns, port, ending)
    except PortInUseError:
        raise click.UsageError(f"port {port} is in use: choose another with --port") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _serve(service: Bedrock, arns: dict[str, str], port: int, ending: Ending) -> None:
    """Answer until SIGINT or SIGTERM; print the endpoint and the ARN of each model first."""
    from tollgate.emulators.bedrock import create_app
    from tollgate.loopback import Server

    server = Server(create_app(service), port)
    click.echo(f"Embedded Amazon Bedrock at {server.url} (profile {service.settings.profile})")
    for name, arn in arns.items():
        click.echo(f"  {name}: {arn}")
    # Whoever reads this through a pipe sees it before the server ends.
    sys.stdout.flush()
    ending.wait()
    server.close()
    service.close()
    ending.leave()
