"""`tollgate release`: a model's artifacts become the model that clients get, or are taken back."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.named_values import named_values
from tollgate.cli.target import about_a_stack

if TYPE_CHECKING:
    from tollgate.deployment import Deployment
    from tollgate.releases.progress import Teller
    from tollgate_release.services import Services


@click.command()
@click.argument("model")
@click.argument("source")
@click.option("--variant", help="The new variant's name. By default the last folder of SOURCE.")
@click.option("--golden", metavar="FILE", help="Golden prompts as JSON lines: a file, or an s3:// URI.")
@click.option(
    "--steps", default="5,25,50,100", help="Percentages of the requests that the canary gets, one after another."
)
@click.option("--interval", default="10m", help="How long each step lasts at least.")
@click.option("--tolerance", default="2%", help="By how much its rate of failures may be higher than the stable one's.")
@click.option(
    "--if-quiet",
    type=click.Choice(["hold", "replay", "promote"]),
    default="hold",
    help="With too few requests for a verdict: hold at weight 0, ask the golden prompts of both variants, or promote.",
)
@click.option(
    "--max-duration", help="After how long an undecided canary is held: 24h, or 12 intervals of under a minute."
)
@click.option("--keep-previous", default="24h", help="After how long the old variant is deleted; never keeps it.")
@click.option("--allowed-failures", type=int, default=0, help="Golden prompts that may fail.")
@click.option("--metric-delay", help="How late metrics come. By default 2m, and 0 with --local.")
@click.option("--attempt", type=int, help="The number of the try, after an import that failed.")
@click.option("--again", is_flag=True, help="Release the same artifacts once more.")
@click.option(
    "--set",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of the new variant, such as chat_template=qwen2.5.",
)
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="A tag of the import and its model.")
@click.option("--alarm", "alarms", multiple=True, metavar="NAME", help="An alarm that rolls the canary back.")
@click.option("--upload", metavar="S3URI", help="Where a local folder is copied to. By default the stack's bucket.")
@click.option("--dry-run", is_flag=True, help="Only check and show the plan.")
@click.option("--here", is_flag=True, help="Run the steps in this process, not in the state machine.")
@click.option("--no-wait", is_flag=True, help="Only start it.")
@about_a_stack
def release(
    deployment: Deployment, as_json: bool, model: str, source: str, here: bool, no_wait: bool, **options: Any
) -> None:
    """Release MODEL from the artifacts in SOURCE: s3://bucket/prefix/, or a local folder, which is uploaded first.

    The artifacts are checked and imported, the model is warmed and asked the golden prompts, and gets more and more of
    the requests while it is compared with the variant that serves now. Then it is promoted, held, or rolled back.
    Ctrl-C detaches: the release goes on. The exit codes are in docs/releases.md.
    """
    from tollgate.releases.following import follow, run_here, start
    from tollgate.releases.progress import Teller
    from tollgate.releases.services import services_of

    services = services_of(deployment)
    teller = Teller(as_json)
    request = _request(deployment, teller, services, model, source, options)
    try:
        if here:
            ended = run_here(deployment, services, request, teller)
        else:
            execution_arn = start(deployment, services, request)
            if no_wait:
                click.echo(execution_arn)
                return
            ended = follow(deployment, services, execution_arn, model, teller)
    except KeyboardInterrupt:
        click.echo(f"\nDetached; the release goes on. Follow it: tollgate status {model} --follow", err=True)
        sys.exit(130)
    teller.ended(ended)
    sys.exit(ended.exit_code)


def _request(
    deployment: Deployment, teller: Teller, services: Services, model: str, source: str, options: dict[str, Any]
) -> dict[str, Any]:
    """What the first step is asked for.

    Raises:
        Problem: an option cannot be followed; nothing was made yet.
    """
    from tollgate_release.options import read_options

    _check_model(model)
    delay = options["metric_delay"] or ("0" if deployment.is_local else "2m")
    request: dict[str, Any] = {
        "steps": options["steps"],
        "interval": options["interval"],
        "tolerance": options["tolerance"],
        "if_quiet": options["if_quiet"],
        "keep_previous": options["keep_previous"],
        "allowed_failures": options["allowed_failures"],
        "metric_delay": delay,
        "record": {name: _value(value) for name, value in named_values(options["fields"], "--set").items()},
        "tags": named_values(options["tags"], "--tag"),
        "alarms": list(options["alarms"]),
        "dry_run": options["dry_run"],
        **_golden(options["golden"]),
    }
    for name in ("max_duration", "attempt"):
        if options[name] is not None:
            request[name] = options[name]
    read_options(request)
    uri = source if source.startswith("s3://") else _uploaded(deployment, teller, model, source, options["upload"])
    request |= {"model": model, "source": uri if uri.endswith("/") else f"{uri}/", "started_by": services.who}
    if options["variant"]:
        request["variant"] = options["variant"]
    if options["again"]:
        request["again"] = True
    return request


def _check_model(model: str) -> None:
    from tollgate_layer.inference.record import MODEL_NAME
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.names import slug
    from tollgate_release.problems import Problem

    if not re.fullmatch(MODEL_NAME, model) or not slug(model, 48):
        text = f"{model!r} is no model's name: small letters, digits, dots, hyphens and underscores, at most 63."
        raise Problem(text, ExitCode.USAGE)


def _golden(given: str | None) -> dict[str, Any]:
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.golden import parse_golden
    from tollgate_release.problems import Problem

    if given is None:
        return {}
    if given.startswith("s3://"):
        return {"golden_uri": given}
    try:
        text = Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"The golden file {given} cannot be read: {error}", ExitCode.USAGE) from error
    return {"golden": [prompt.as_json() for prompt in parse_golden(text)]}


def _uploaded(deployment: Deployment, teller: Teller, model: str, source: str, target: str | None) -> str:
    """Check a local folder, and copy it to S3; returns where it is there."""
    from tollgate.releases.upload import upload
    from tollgate_release.artifacts import InspectionError, LocalArtifacts, inspect
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.names import parse_s3_uri
    from tollgate_release.problems import Problem

    folder = Path(source)
    if not folder.is_dir():
        raise Problem(f"{source} is neither an s3:// URI nor a folder.", ExitCode.USAGE)
    try:
        inspect(LocalArtifacts(folder))
    except InspectionError as error:
        raise Problem("\n".join(error.problems), ExitCode.ARTIFACTS) from error
    uri = target or f"s3://{deployment.output('ArtifactBucketName')}/{model}/{folder.resolve().name}/"
    bucket, prefix = parse_s3_uri(uri)
    return upload(deployment.client("s3"), folder, bucket, prefix, teller.uploading)


def _value(text: str) -> Any:
    """A field's value: JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
