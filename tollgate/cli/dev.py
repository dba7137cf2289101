"""`tollgate dev`: the whole stack on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tollgate.cli.ending import Ending
from tollgate.cli.extras import need_extra
from tollgate.cli.named_values import named_values

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
@click.option("--bedrock-port", default=0, type=click.IntRange(0, 65535), help="Port of the embedded Bedrock.")
@click.option("--upstream-url", metavar="URL", help="An OpenAI-compatible server for models of the engine `upstream`.")
@click.option("--upstream-model", metavar="NAME", help="The model's name on that server.")
@click.option("--tls", is_flag=True, help="Serve https, for clients that send bearer tokens no other way (boto3).")
@click.option("--profile", default="instant", help="How models live in the embedded Bedrock.")
@click.option("--speed", default=1.0, help="How much faster than real time simulated waits pass.")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=NUMBER",
    help="A time or limit of the embedded Bedrock, such as idle_seconds=600, import_seconds=30, cold_start_seconds=90, "
    "imported_models_quota=5.",
)
@click.option("--template", default="template.yaml", type=click.Path(path_type=Path), help="The stack.")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A value for a parameter of the template."
)
def dev(
    port: int,
    verbose: bool,
    built: bool,
    models: Path | None,
    bedrock_port: int,
    upstream_url: str | None,
    upstream_model: str | None,
    tls: bool,
    profile: str,
    speed: float,
    settings: tuple[str, ...],
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
            parameters=named_values(parameters, "--parameter"),
            simulation=Simulation(
                profile=profile,
                speed=speed,
                settings=named_values(settings, "--setting"),
                bedrock_port=bedrock_port,
                upstream_url=upstream_url,
                upstream_model=upstream_model,
                tls=tls,
            ),
            console=Console(verbose, _write),
        )
    except (DefinitionError, PortInUseError, ValueError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None
    with local, _addresses_written(local, root):
        click.echo(welcome(local, time.monotonic() - started_s))
        ending.wait()
    ending.leave()


@contextmanager
def _addresses_written(local: Local, root: Path) -> Iterator[None]:
    """Write the file by which `tollgate … --local` finds the stack, and remove it at the end.

    Where two run in one checkout, it is the one's that started last, which is not removed by the other.
    """
    from tollgate.deployment import LOCAL_FILE, environment_text

    file = root / LOCAL_FILE
    text = environment_text(local.environment())
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            file.unlink()


def _built_template(root: Path) -> Path:
    from tollgate.stack import DefinitionError

    template = root / BUILT_TEMPLATE
    if not template.is_file():
        raise DefinitionError(str(template), "is not there: run `sam build` first")
    return template


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    # Whoever reads this through a pipe sees each line as it happens.
    sys.stdout.flush()


def _arns(local: Local) -> str:
    """The embedded Bedrock's models, a line each."""
    return "\n".join(f"            {model.arn}  {model.name}" for model in local.bedrock.models())


def _tls_lines(local: Local) -> str:
    """What clients of Bedrock's runtime need to know of a stack that is served over TLS."""
    if local.certificate is None:
        return ""
    return f"""
export AWS_CA_BUNDLE={local.certificate.certificate}
export AWS_ENDPOINT_URL_BEDROCK_RUNTIME={local.url} AWS_BEARER_TOKEN_BEDROCK={local.key} AWS_REGION=us-east-1
export SSL_CERT_FILE={local.certificate.certificate} OPENAI_BASE_URL={local.url}/v1 OPENAI_API_KEY={local.key}
"""


def welcome(local: Local, seconds: float) -> str:
    """The greeting of a started stack: its URLs, the key, and a request that works when pasted."""
    model = local.models[0] if local.models else "MODEL"
    insecure = "" if local.certificate is None else f" --cacert {local.certificate.certificate}"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return f"""
Tollgate answers after {seconds:.1f} s; Ctrl-C stops it.

  base URL  {local.url}/v1
            {local.url}/stream/v1 sends tokens as they come
  API key   {local.key}
  models    {", ".join(local.models)}
  Bedrock   {local.bedrock_url} is the embedded one (region us-east-1, any credentials), with
{_arns(local)}
  S3        {local.endpoints["AWS_ENDPOINT_URL_S3"]}
{_tls_lines(local)}
curl{insecure} {local.url}/v1/chat/completions -H 'Authorization: Bearer {local.key}' \\
  -H 'Content-Type: application/json' -d '{body}'
"""
