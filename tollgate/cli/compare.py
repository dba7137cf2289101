"""`tollgate compare`: ask two variants of a model the same prompts, before any traffic moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tollgate.cli.progress_line import show_bar
from tollgate.cli.target import about_a_stack, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollgate.deployment import Deployment
    from tollgate.releases.comparing import Pair

_HEAD = ("PROMPT", "SAME", "SIMILAR", "LENGTH", "TOKENS", "SECONDS", "ENDED")
_NUMBERS = ("SIMILAR", "LENGTH", "TOKENS", "SECONDS")


@click.command()
@click.argument("model")
@click.argument("first")
@click.argument("second")
@click.option(
    "--prompts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help='JSON lines: {"name": "…", "request": {a chat request without model}}, as a release\'s golden prompts.',
)
@click.option("--clients", type=click.IntRange(1, 32), default=4, help="Prompts that are asked at once.")
@click.option("--patience", type=click.IntRange(0), default=600, help="Seconds to ask again while a variant is cold.")
@click.option("--texts", is_flag=True, help="Show what was said where it differs; with json, every answer.")
@about_a_stack
def compare(
    deployment: Deployment,
    as_json: bool,
    model: str,
    first: str,
    second: str,
    prompts: Path,
    clients: int,
    patience: int,
    texts: bool,
) -> None:
    """Replay prompts against the variants FIRST and SECOND of MODEL, and show where their answers differ.

    Weights stay as they are, and no client notices. SIMILAR is the share of words that two answers have in the same
    order; LENGTH is in characters. A request without a temperature is asked with 0.
    What golden prompts expect is not looked at. Ends with 0 whatever differs, and
    with 5 where a variant failed to answer.

    \b
    tollgate compare apexguru sagemaker imported --prompts prompts.jsonl
    """
    from tollgate.releases.comparing import as_json as pair_as_json
    from tollgate.releases.comparing import compare as compare_variants
    from tollgate.releases.comparing import summary
    from tollgate.releases.services import services_of
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.golden import parse_golden
    from tollgate_release.problems import Problem

    try:
        asked = parse_golden(prompts.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise Problem(f"{prompts} is not UTF-8.", ExitCode.USAGE) from error
    if not asked:
        raise Problem(f"{prompts} has no prompt.", ExitCode.USAGE)
    services = services_of(deployment)
    _check_variants(services.records.get(model), model, (first, second))

    pairs = compare_variants(
        services,
        model,
        (first, second),
        asked,
        clients=clients,
        patience_s=patience,
        report=lambda done: show_bar("asking", done, len(asked)),
    )

    found = summary(pairs)
    if as_json:
        told = [pair_as_json(pair, with_texts=texts) for pair in pairs]
        print_json({"model": model, "first": first, "second": second, "summary": found, "prompts": told})
    else:
        click.echo(_as_text(pairs, found, (first, second), texts))
    if found["answered_by_both"] < len(pairs):
        raise Problem("A variant did not answer every prompt.", ExitCode.SMOKE_TEST)


def _check_variants(item: Any, model: str, names: tuple[str, str]) -> None:
    """Refuse what the record does not have, before anything is asked."""
    from tollgate_release.exit_codes import ExitCode
    from tollgate_release.problems import Problem

    there = [variant["name"] for variant in item.record["variants"]]
    for name in names:
        if name not in there:
            raise Problem(f"{model} has no variant {name!r}; it has {', '.join(there)}.", ExitCode.USAGE)


def _as_text(pairs: Sequence[Pair], found: dict[str, Any], names: tuple[str, str], texts: bool) -> str:
    from tollgate.releases.comparing import histogram
    from tollgate.text_tables import listing

    rows = [_HEAD, *map(_row, pairs)]
    lines = [listing(rows, _NUMBERS), "", "How similar the answers are:", *histogram(pairs), ""]
    counts = f"{found['answered_by_both']} of {found['prompts']} prompts were answered by both"
    lines.append(f"{counts}, {found['same']} in the same way.")
    for name, side in zip(names, ("first", "second"), strict=True):
        lines.append(_sentence(name, found[side]))
    if texts:
        for pair in pairs:
            if not pair.is_same:
                lines += ["", f"--- {pair.name}: {names[0]}", pair.first.text, f"--- {pair.name}: {names[1]}"]
                lines.append(pair.second.text)
    return "\n".join(lines)


def _row(pair: Pair) -> tuple[str, ...]:
    first, second = pair.first, pair.second
    similarity = "-" if pair.similarity is None else f"{pair.similarity:.2f}"
    return (
        pair.name,
        "yes" if pair.is_same else "no",
        similarity,
        f"{len(first.text)} {len(second.text)}",
        f"{_or_dash(first.completion_tokens)} {_or_dash(second.completion_tokens)}",
        f"{first.seconds:.2f} {second.seconds:.2f}",
        f"{first.code or first.finish_reason} {second.code or second.finish_reason}",
    )


def _sentence(name: str, side: dict[str, Any]) -> str:
    failures = ", ".join(f"{count} {code}" for code, count in side["failures"].items()) or "none"
    return (
        f"{name}: half within {_or_dash(side['seconds_p50'])} s and {_or_dash(side['characters_p50'])} characters; "
        f"{side['cut_by_length']} cut by max_tokens; failures: {failures}"
    )


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
