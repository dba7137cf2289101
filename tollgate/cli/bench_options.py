"""What the options of `tollgate bench` mean; whoever gives a wrong one gets a sentence."""

from __future__ import annotations

import functools
import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tollgate.measuring.figures import Slo
    from tollgate.measuring.session import Method, Phase
    from tollgate.measuring.targets import Prompt, Target
    from tollgate.planning.trace import Trace


_TIMEOUT_S = 900
"""The longest that Tollgate's streams last, and then some."""


def method_of(options: dict[str, Any]) -> Method:
    """How each phase is measured."""
    from tollgate.measuring.session import Method

    warm_up_s = None
    if options["warmup"] != "auto":
        warm_up_s = 0.0 if options["warmup"] == "0" else _positive(options["warmup"], "--warmup")
    is_imported = bool(options["arn"] or options["copies_of"] or options["units"])
    return Method(options["requests"], warm_up_s, _slo(options["slo"]), options["units"] or 1, is_imported=is_imported)


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
    """When the requests of an open loop are due, in seconds from the begin."""
    from tollgate.measuring.load import poisson

    kind, _, value = arrivals.partition(":")
    if kind == "poisson":
        return poisson(_positive(value, "--arrivals"), requests)
    if kind == "trace":
        trace, speed = _trace(value)
        return [(at - trace.at[0]) / speed for at in trace.at]
    raise click.BadParameter("is poisson:PER_SECOND or trace:FILE", param_hint="--arrivals")


@functools.cache
def _trace(named: str) -> tuple[Trace, float]:
    """The trace of FILE or FILE@x10, and how many times as fast it is."""
    from zoneinfo import ZoneInfo

    from tollgate.planning.trace import TraceError
    from tollgate.planning.traces import read_trace

    name, mark, speed = named.rpartition("@x")
    try:
        trace = read_trace(name if mark else named, ZoneInfo("UTC"), 1)
    except TraceError as error:
        raise click.BadParameter(str(error), param_hint="--arrivals") from error
    if not len(trace):
        raise click.BadParameter("the trace has no request", param_hint="--arrivals")
    return trace, _positive(speed, "--arrivals") if mark else 1.0


def _positive(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise click.BadParameter(f"{text!r} is no number above 0", param_hint=option)
    return number


def target_of(options: dict[str, Any]) -> Target:
    from tollgate.imported_models import client_of, is_arn
    from tollgate.measuring.targets import BedrockTarget, OpenAITarget

    for option, arn in (("--bedrock", options["arn"]), ("--copies-of", options["copies_of"])):
        if arn and not is_arn(arn):
            raise click.BadParameter(f"{arn!r} is no ARN of an imported model", param_hint=option)
    if options["arn"]:
        return BedrockTarget(client_of("bedrock-runtime", options["arn"]), options["arn"])
    if not options["url"].startswith(("http://", "https://")):
        raise click.BadParameter(f"{options['url']!r} begins with neither http:// nor https://", param_hint="--url")
    import httpx

    headers = {"Authorization": f"Bearer {options['key']}"}
    certificates = httpx.create_ssl_context()  # read once, not for each client

    def connect() -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=options["url"], headers=headers, timeout=_TIMEOUT_S, verify=certificates)

    return OpenAITarget(connect, options["model"], options["control_url"])


def prompts_of(options: dict[str, Any]) -> Iterator[Prompt]:
    """The prompts of a file, again and again, or made-up ones: of a trace's lengths, where there is one."""
    from tollgate.measuring.case_study import prompts_of_study
    from tollgate.measuring.targets import Prompt

    file: Path | None = options["prompts_file"]
    kind, _, value = (options["arrivals"] or "").partition(":")
    if file is None and kind == "trace":
        lengths = zip(_trace(value)[0].prompt_tokens, _trace(value)[0].completion_tokens, strict=True)
        return (Prompt({"messages": [{"role": "user", "content": "word " * prompt}]}, most) for prompt, most in lengths)
    if file is None:
        made_up = prompts_of_study(1, options["prompt_tokens"])
        return (Prompt(prompt.body, min(prompt.tokens, options["max_tokens"])) for prompt in made_up)
    read = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
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
        limits[name] = _positive(value, "--slo")
    return Slo(**limits)
