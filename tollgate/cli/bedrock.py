"""`tollgate bedrock`: the embedded Bedrock alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import uvicorn

from tollgate.emulators.bedrock.app import create_app
from tollgate.emulators.bedrock.service import Bedrock
from tollgate.emulators.clock import Clock
from tollgate.emulators.serving import LOOPBACK, listen

if TYPE_CHECKING:
    from tollgate.emulators.bedrock.settings import Settings


def run(settings: Settings, *, port: int, speed: float, models: tuple[str, ...]) -> None:
    """Serve until SIGINT or SIGTERM; prints the endpoint and the ARN of each model of `NAME[:ENGINE]`.

    Raises:
        ValueError: unknown profile or engine, a speed that is not positive.
        PortInUseError: the port is taken.
    """
    bedrock = Bedrock(settings, Clock(speed))
    arns = {}
    for model in models:
        name, _, engine = model.partition(":")
        arns[name] = bedrock.register(name, engine or "echo")
    sock = listen(port)
    click.echo(f"Embedded Amazon Bedrock at http://{LOOPBACK}:{sock.getsockname()[1]} (profile {settings.profile})")
    for name, arn in arns.items():
        click.echo(f"  {name}: {arn}")
    server = uvicorn.Server(
        uvicorn.Config(create_app(bedrock), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    )
    with sock:
        server.run(sockets=[sock])
