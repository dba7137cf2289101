"""What the options of `tollgate bench` mean; whoever gives a wrong one gets a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tollgate.measuring.figures import Slo
    from tollgate.measuring.session import Method, Phase
    from tollgate.measuring.targets import Prompt, Target


def method_of(options: dict[str, Any]) -> Method:
    """How each phase is measured."""
    from tollgate.measuring.session import Method

    warm_up_s = None
    if options["warmup"] != "auto":
        try:
            warm_up_s = float(options["warmup"])
        except ValueError:
            raise click.BadParameter("is a number of seconds, or auto", param_hint="--warmup") from None
    is_imported = bool(options["arn"] or options["copies_of"] or options["units"])
    return Method(options["requests"], warm_up_s, _slo(options["slo"]), options["units"] or 1, infers=is_imported)


def phases_of(options: dict[str, Any]) -> list[Phase]:
    """The loads, in their order."""
    from tollgate.measuring.session import Phase

    if options["arrivals"]:
        return [Phase(options["arrivals"], None, _times(options["arrivals"], options["requests"]))]
    numbers = "1,4,16,32" if options["case_study"] else options["clients"]
    try:
        chosen = [int(number) for number in numbers.split(",")]
    except ValueError:
        chosen = [0]
    if min(chosen) < 1:
        raise click.BadParameter("are numbers with commas between them, as in 1,4,16", param_hint="--clients")
    return [Phase(f"{clients} client" + ("s" if clients > 1 else ""), clients) for clients in chosen]


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


def target_of(options: dict[str, Any]) -> Target:
    from tollgate.measuring.targets import BedrockTarget, OpenAITarget

    if options["arn"]:
        import boto3

        return BedrockTarget(boto3.client("bedrock-runtime"), options["arn"])
    import httpx

    headers = {"Authorization": f"Bearer {options['key']}"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(base_url=options["url"], headers=headers, timeout=900, limits=limits)
    return OpenAITarget(client, options["model"], options["control_url"])


def prompts_of(options: dict[str, Any]) -> Iterator[Prompt]:
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
