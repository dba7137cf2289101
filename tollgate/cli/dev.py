"""`tollgate dev`: the whole stack on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tollgate.cli.ending import Ending
from tollgate.cli.extras import need_extra

if TYPE_CHECKING:
    from tollgate.dev import Local

BUILT_TEMPLATE = ".aws-sam/build/template.yaml"


@click.command()
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
    function and model cold starts are not.
    """
    need_extra("dev", "tollgate dev")
    started_s = time.monotonic()
    # Before the imports, which take a second, and before everything that starts a process.
    ending = Ending()
    from tollgate.dev import DefinitionError, Local, Simulation
    from tollgate.dev.console import Console
    from tollgate.loopback import PortInUseError

    root = template.parent
    try:
        local = Local.start(
            _built_template(root) if built else template,
            root=root,
            port=port,
            models=models or root / "models" / "local.json",
            parameters=_values(parameters),
            simulation=Simulation(profile=profile),
            console=Console(verbose, _write),
        )
    except (DefinitionError, PortInUseError, ValueError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None
    with local:
        click.echo(welcome(local, time.monotonic() - started_s))
        ending.wait()
    ending.leave()


def _built_template(root: Path) -> Path:
    from tollgate.stack import DefinitionError

    template = root / BUILT_TEMPLATE
    if not template.is_file():
        raise DefinitionError(str(template), "is not there: run `sam build` first")
    return template


def _values(parameters: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise click.BadParameter("write it as NAME=VALUE", param_hint="--parameter")
        values[name] = value
    return values


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    # Whoever reads this through a pipe sees each line as it happens.
    sys.stdout.flush()


def welcome(local: Local, seconds: float) -> str:
    """The greeting of a started stack: its URLs, the key, and a request that works when pasted."""
    model = local.models[0] if local.models else "MODEL"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return f"""
Tollgate answers after {seconds:.1f} s; Ctrl-C stops it.

  base URL  {local.url}/v1
            {local.url}/stream/v1 sends tokens as they come
  API key   {local.key}
  models    {", ".join(local.models)}
  Bedrock   {local.bedrock_url} is the embedded one

curl {local.url}/v1/chat/completions -H 'Authorization: Bearer {local.key}' \\
  -H 'Content-Type: application/json' -d '{body}'
"""
