"""`tollgate bench`: what a model's answers take under load, and what they cost."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.prices import prices_option
from tollgate.cli.progress_line import show
from tollgate.cli.target import print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tollgate.measuring.figures import Sample, Slo
    from tollgate.measuring.runs import Run
    from tollgate.measuring.targets import Prompt, Target

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--url", help="Base URL of any server of OpenAI's API, such as …/v1 or …/stream/v1.")
@click.option("--bedrock", "arn", help="ARN of an imported model, asked directly, without Tollgate.")
@click.option("--key", envvar="TOLLGATE_API_KEY", default="tollgate-local", help="The API key. Also TOLLGATE_API_KEY=.")
@click.option("--model", default="apexguru", help="The model's name.")
@click.option("--units", type=click.IntRange(1), default=1, help="Custom model units of a copy, for dollars.")
@click.option("--clients", default="1,4,16,32", help="Closed loop: so many clients, a phase for each number.")
@click.option("--arrivals", help="Open loop instead: poisson:PER_SECOND, or trace:FILE (docs/plan.md).")
@click.option("--requests", type=click.IntRange(1), default=60, help="Requests of a phase.")
@click.option("--warmup", default="auto", help="Seconds before a phase counts; auto asks until the pace is steady.")
@click.option("--prompts", "prompts_file", type=_FILE, help="JSON lines, each a chat request without model.")
@click.option("--max-tokens", type=click.IntRange(1), default=200, help="The most tokens of an answer.")
@click.option("--slo", help="What counts as good, in seconds: ttft=2,total=12.")
@click.option("--case-study", is_flag=True, help="1, 4, 16 and 32 clients, beside the published table.")
@click.option("--simulated", is_flag=True, help="With --case-study: the simulated profile, in virtual time.")
@click.option("--control-url", envvar="TOLLGATE_CONTROL_URL", help="The embedded Bedrock's, which tells model copies.")
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
    where = "the case-study profile" if simulated else options["url"] or options["arn"]
    run = Run(where, options["model"], options["units"], simulated=simulated, folder=options["folder"])
    # The command gives the signal its usual effect, which would lose the phases that are done.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if simulated:
            _simulate(run, options["units"])
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

    for published in TABLE:
        show(f"simulating {published.clients} clients …")
        run.add(simulated_phase(published.clients, units), is_case_study=True)
    show("")


async def _measure(run: Run, options: dict[str, Any]) -> None:
    """All phases against a real server, one after the other."""
    from tollgate.measuring.figures import figures
    from tollgate.measuring.load import Load

    slo, target = _slo(options["slo"]), _target(options)
    prompts = _prompts(options)
    try:
        for name, clients, times in _phases(options):
            load = Load(target, prompts, lambda samples, seconds, name=name: _live(name, samples, seconds))  # type: ignore[misc]
            if times is not None:
                seconds = await load.open(times)
            else:
                warm_up_s = await _warm_up(load, clients, options)
                seconds = await load.closed(clients, options["requests"], warm_up_s)
            phase = figures(
                load.samples, seconds, slo, await target.copies(), options["units"], (times is None and clients) or None
            )
            run.add(phase, is_case_study=options["case_study"])
    finally:
        show("")
        await target.close()


async def _warm_up(load: Any, clients: int, options: dict[str, Any]) -> float:
    """Seconds to wait before a phase counts. With auto, answers are asked for until two rounds take as long."""
    if options["warmup"] != "auto":
        try:
            return float(options["warmup"])
        except ValueError:
            raise click.BadParameter("is a number of seconds, or auto", param_hint="--warmup") from None
    before = None
    for _ in range(10):
        await load.closed(clients, max(2 * clients, 4), 0.0)
        total = [sample.total_s for sample in load.samples if not sample.code]
        mean = sum(total) / len(total) if total else None
        if mean is not None and before is not None and abs(mean / before - 1) < 0.15:
            break
        before = mean
    return 0.0


def _phases(options: dict[str, Any]) -> list[tuple[str, int, list[float] | None]]:
    """What each phase is called, how many clients it has, and the times of an open loop's requests."""
    if options["arrivals"]:
        return [(options["arrivals"], 0, _times(options["arrivals"], options["requests"]))]
    numbers = "1,4,16,32" if options["case_study"] else options["clients"]
    try:
        chosen = [int(number) for number in numbers.split(",")]
    except ValueError:
        chosen = [0]
    if min(chosen) < 1:
        raise click.BadParameter("are numbers with commas between them, as in 1,4,16", param_hint="--clients")
    return [(f"{clients} clients", clients, None) for clients in chosen]


def _times(arrivals: str, requests: int) -> list[float]:
    from zoneinfo import ZoneInfo

    from tollgate.measuring.load import poisson
    from tollgate.planning.trace import TraceError
    from tollgate.planning.traces import read_trace

    kind, _, value = arrivals.partition(":")
    try:
        if kind == "poisson" and float(value) > 0:
            return poisson(float(value), requests)
        if kind == "trace":
            trace = read_trace(value, ZoneInfo("UTC"), 1)
            return [at - trace.at[0] for at in trace.at]
    except (ValueError, TraceError) as error:
        raise click.BadParameter(str(error), param_hint="--arrivals") from error
    raise click.BadParameter("is poisson:PER_SECOND or trace:FILE", param_hint="--arrivals")


def _target(options: dict[str, Any]) -> Target:
    from tollgate.measuring.targets import BedrockTarget, OpenAITarget

    if options["arn"]:
        import boto3

        return BedrockTarget(boto3.client("bedrock-runtime"), options["arn"])
    import httpx

    headers = {"Authorization": f"Bearer {options['key']}"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(base_url=options["url"], headers=headers, timeout=900, limits=limits)
    return OpenAITarget(client, options["model"], options["control_url"])


def _prompts(options: dict[str, Any]) -> Iterator[Prompt]:
    """The prompts of a file, again and again, or made-up ones."""
    import itertools

    from tollgate.measuring.case_study import prompts_of_study
    from tollgate.measuring.targets import Prompt

    file: Path | None = options["prompts_file"]
    if file is None:
        return (Prompt(prompt.body, min(prompt.tokens, options["max_tokens"])) for prompt in prompts_of_study(1))
    read = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            document = json.loads(line)
            body = document.get("request", document)
            read.append(Prompt({"messages": body["messages"], **body}, options["max_tokens"]))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise click.BadParameter(f"line {number} is no chat request: {error}", param_hint="--prompts") from error
    if not read:
        raise click.BadParameter("the file has no prompt", param_hint="--prompts")
    return itertools.cycle(read)


def _slo(text: str | None) -> Slo:
    from tollgate.measuring.figures import Slo

    limits: dict[str, float] = {}
    for part in (text or "").split(","):
        name, _, value = part.partition("=")
        if not part:
            continue
        if name not in Slo._fields:
            raise click.BadParameter("is ttft=SECONDS, total=SECONDS, or both", param_hint="--slo")
        try:
            limits[name] = float(value)
        except ValueError:
            raise click.BadParameter(f"{value!r} is no number", param_hint="--slo") from None
    return Slo(**limits)


def _live(name: str, samples: list[Sample], seconds: float) -> None:
    """One line about the phase that is under way."""
    from tollgate.quantiles import quantile

    total = sorted(sample.total_s for sample in samples if not sample.code)
    if total and seconds > 0:
        rate = len(total) / seconds * 60
        show(f"{name}: {len(samples)} requests, {rate:,.1f} a minute, P95 {quantile(total, 0.95):.2f} s")


def _tell(run: Run, options: dict[str, Any]) -> None:
    from tollgate.measuring.report import as_html, as_text

    document = run.document
    run.write()
    if options["folder"] is not None:
        (options["folder"] / "report.html").write_text(as_html(document), encoding="utf-8")
    if options["output"] == "json":
        print_json(document)
    else:
        click.echo(as_text(document))
    answered = any(row["latency_s"] is not None for row in document["rows"])
    raise SystemExit(130 if document["interrupted"] else 0 if answered else 1)
