"""`tollgate bench`: what a model's answers take under load, and what they cost."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.output_files import make_folder, write_text
from tollgate.cli.prices import prices_option
from tollgate.cli.progress_line import show, show_bar
from tollgate.cli.target import print_json

if TYPE_CHECKING:
    from tollgate.measuring.runs import Run

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--url", help="Base URL of any server of OpenAI's API, such as …/v1 or …/stream/v1.")
@click.option("--bedrock", "arn", help="ARN of an imported model that takes OpenAI's chats: asked without Tollgate.")
@click.option("--key", envvar="TOLLGATE_API_KEY", default="tollgate-local", help="The API key. Also TOLLGATE_API_KEY=.")
@click.option("--model", default="apexguru", help="The model's name.")
@click.option("--units", type=click.IntRange(1), help="Custom model units of a copy, for dollars.  [default: 1]")
@click.option("--clients", default="1,4,16,32", help="Closed loop: so many clients, a phase for each number.")
@click.option(
    "--arrivals", help="Open loop instead: poisson:PER_SECOND, trace:FILE or trace:FILE@x10, ten times as fast."
)
@click.option("--requests", type=click.IntRange(1), default=60, help="Requests of a phase.")
@click.option("--warmup", default="auto", help="Seconds before a phase counts; auto asks until the pace is steady.")
@click.option("--prompts", "prompts_file", type=_FILE, help="JSON lines, each a chat request without model.")
@click.option(
    "--prompt-tokens", type=click.IntRange(1), help="Mean length of made-up prompts.  [default: as their answers]"
)
@click.option("--max-tokens", type=click.IntRange(1), default=200, help="The most tokens of an answer.")
@click.option("--slo", help="What counts as good, in seconds: ttft=2,total=12.")
@click.option("--case-study", is_flag=True, help="1, 4, 16 and 32 clients, beside the published table.")
@click.option("--simulated", is_flag=True, help="With --case-study: the simulated profile, in virtual time.")
@click.option("--control-url", envvar="TOLLGATE_CONTROL_URL", help="The embedded Bedrock's, which tells model copies.")
@click.option("--copies-of", metavar="ARN", help="The imported model whose copies CloudWatch counts.")
@click.option("--out", "folder", type=_FOLDER, help="A folder for run.json, model.json and report.html.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json is for scripts.")
@prices_option
@click.pass_context
def bench(context: click.Context, /, **options: Any) -> None:
    """Put a load on a model and print what its answers take: percentiles, rates, failures, copies, dollars.

    Ctrl-C ends it and keeps the phases that are done. Ends with 0; with 1 where no request was answered.

    \b
    tollgate bench --url http://127.0.0.1:3000/stream/v1 --clients 1,4,16 --requests 60 --out runs/first
    tollgate bench --case-study --simulated
    tollgate bench compare runs/first runs/second
    """
    if context.invoked_subcommand is not None:
        return
    from tollgate.measuring.runs import Run

    simulated = options["simulated"]
    if simulated and not options["case_study"]:
        raise click.UsageError("--simulated goes with --case-study.")
    if not simulated and (options["url"] is None) == (options["arn"] is None):
        raise click.UsageError("Give --url or --bedrock, or --case-study --simulated.")
    if options["folder"] is not None:
        make_folder(options["folder"], "--out")
    where = "the case-study profile, in virtual time" if simulated else options["url"] or options["arn"]
    model = options["arn"].rpartition("/")[2] if options["arn"] else options["model"]
    run = Run(where, model, options["units"] or 1, simulated=simulated, folder=options["folder"])
    # The command gives the signal its usual effect, which would lose the phases that are done.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if simulated:
            _simulate(run, options["units"] or 1)
        else:
            asyncio.run(_measure(run, options))
    except KeyboardInterrupt:
        run.interrupt()
    _tell(run, options)


@bench.command("compare")
@click.argument("first", type=click.Path(exists=True, path_type=Path))
@click.argument("second", type=click.Path(exists=True, path_type=Path))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json is for scripts.")
def compare_runs(first: Path, second: Path, output: str) -> None:
    """Print two runs side by side, phase by phase: FIRST and SECOND are run.json, or their folders."""
    from tollgate.measuring.report import compared
    from tollgate.measuring.runs import RunError, read_run
    from tollgate.text_tables import listing

    try:
        head, *rows = compared(read_run(first), read_run(second))
    except RunError as error:
        raise click.UsageError(str(error)) from error
    if output == "json":
        print_json([dict(zip(("load", "figure", "first", "second", "ratio"), row, strict=True)) for row in rows])
    else:
        click.echo(listing([head, *rows], head[2:]))


def _simulate(run: Run, units: int) -> None:
    from tollgate.measuring.case_study import TABLE, simulated_phase

    for number, published in enumerate(TABLE):
        show_bar("simulating", number, len(TABLE))
        run.add(simulated_phase(published.clients, units), is_case_study=True)
    show("")


async def _measure(run: Run, options: dict[str, Any]) -> None:
    """All phases against a real server, one after the other."""
    from tollgate.cli.bench_options import method_of, phases_of, prompts_of, target_of
    from tollgate.measuring.copies import EMBEDDED
    from tollgate.measuring.session import Session

    method, phases, prompts, target = method_of(options), phases_of(options), prompts_of(options), target_of(options)
    session = Session(target, prompts, method, source=EMBEDDED, say=show)
    begun = time.time()
    try:
        async for measured in session.measure(phases):
            run.add(measured, is_case_study=options["case_study"])
        arn = options["copies_of"] or options["arn"]
        if arn and any(row["copies_from"] != EMBEDDED for row in run.document["rows"]):
            await _ask_cloudwatch(run, arn, begun)
    finally:
        show("")
        await target.close()


async def _ask_cloudwatch(run: Run, arn: str, begun: float) -> None:
    """Take the copies that CloudWatch has counted; where it cannot be asked, what was inferred stays."""
    from botocore.exceptions import BotoCoreError, ClientError

    from tollgate.imported_models import client_of
    from tollgate.measuring.cloudwatch import model_copies

    try:
        run.set_copies(await model_copies(client_of("cloudwatch", arn), arn, begun, time.time(), show))
    except (BotoCoreError, ClientError) as error:
        show("")
        click.echo(f"CloudWatch was not asked for model copies: {error}", err=True)


def _tell(run: Run, options: dict[str, Any]) -> None:
    from tollgate.measuring.report import as_html, as_text

    document = run.document
    run.write()
    if options["folder"] is not None:
        write_text(options["folder"] / "report.html", as_html(document), "--out")
    if options["output"] == "json":
        print_json(document)
    else:
        click.echo(as_text(document))
    answered = any(row["latency_s"] is not None for row in document["rows"])
    raise SystemExit(130 if document["interrupted"] else 0 if answered else 1)
