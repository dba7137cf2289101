"""Write the generated parts of the documentation: python -m scripts.write_docs

Each stands between two comments, `<!-- name -->` and `<!-- /name -->`, and is made from what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tollgate.costs.migration import Move, months
from tollgate.stack.definitions import read_definition
from tollgate.text_tables import markdown
from tollgate_layer.inference.failures.errors import ERRORS
from tollgate_layer.inference.failures.upstream import UPSTREAM
from tollgate_release.exit_codes import ExitCode
from tollgate_release.keep_warm.hours import Hours
from tollgate_release.keep_warm.price import price
from tollgate_release.prices import WINDOW_USD

ROOT = Path(__file__).parent.parent
_FIRST_CLIENTS = 8
FILES = (
    "README.md",
    "docs/failures.md",
    "docs/keep-warm.md",
    "docs/migrate-from-sagemaker.md",
    "docs/operations.md",
    "docs/releases.md",
)


def errors() -> str:
    """The error table, as clients see it."""
    rows = [
        (str(kind.status), f"`{code}`", kind.situation, f"{kind.retry_after} s" if kind.retry_after else "")
        for code, kind in ERRORS.items()
    ]
    return table(("Status", "Code", "Situation", "Retry-After"), rows)


def upstream() -> str:
    """What AWS services say, what it becomes, and how often the model is invoked at most."""
    rows = []
    for name, code in UPSTREAM.items():
        most = ERRORS[code].attempts if "." not in name else 1
        rows.append((f"`{name}`", f"`{code}`", {1: "once", 100: "while time is left"}.get(most, f"{most} times")))
    return table(("Upstream name", "Code", "Invoked at most"), rows)


def parameters() -> str:
    """The template's parameters."""
    declared = read_definition(ROOT / "template.yaml")["Parameters"]
    rows = [
        (f"`{name}`", f"`{value['Default']}`" if value.get("Default") != "" else "", value.get("Description", ""))
        for name, value in declared.items()
    ]
    return table(("Parameter", "Default", "What it sets"), rows)


def migration() -> str:
    """What a move costs a month, before, during and after."""
    return markdown(months(Move())) + "\n"


def exit_codes() -> str:
    """How commands about a model's life end."""
    meanings = {
        ExitCode.DONE: "done: promoted, reused, or started with `--no-wait`",
        ExitCode.UNEXPECTED: "unexpected; a record at fault",
        ExitCode.USAGE: "wrong usage, no such stack, no credentials",
        ExitCode.ARTIFACTS: "the artifacts were refused",
        ExitCode.IMPORT: "the import failed",
        ExitCode.SMOKE_TEST: "a golden prompt failed, or the model never became ready",
        ExitCode.ROLLED_BACK: "the canary failed, or an alarm rang: rolled back",
        ExitCode.CHANGED: "somebody else releases this model, or changed its record",
        ExitCode.PERMISSION: "a permission or a quota: an operator must act",
        ExitCode.HELD: "undecided: held at weight 0",
        ExitCode.DRIFT: "`tollgate models --check`: a record names a model that is gone",
        ExitCode.DETACHED: "Ctrl-C: detached, the release goes on",
    }
    return table(("Exit code", "Meaning"), [(str(int(code)), meanings[code]) for code in ExitCode])


def intervals() -> str:
    """What a month of keep-warm costs, and how warm it keeps, for each interval and stay."""
    rows = []
    for every in (4, 6, 14, 30, 55):
        cells = [f"{every} min"]
        for stay in (5, 15, 60):
            month = price(Hours(), every, 1, WINDOW_USD, stay_minutes=stay)
            cells.append(f"${month.usd:,.0f}, warm {month.warm_share:.0%}")
        rows.append(tuple(cells))
    return table(("Asked every", "Copies stay 5 min", "15 min", "60 min"), rows)


def clients() -> str:
    """The head of the table of clients, which `make test-clients` writes."""
    page = (ROOT / "docs/clients.md").read_text()
    lines = [line for line in page.splitlines(keepends=True) if line.startswith("|")]
    return "".join(lines[: 2 + _FIRST_CLIENTS])


BLOCKS = {
    "errors": errors,
    "upstream": upstream,
    "parameters": parameters,
    "exit-codes": exit_codes,
    "intervals": intervals,
    "clients": clients,
    "migration": migration,
}


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def replace_block(text: str, name: str, content: str) -> str:
    """The text with new content between the comments of a block.

    Raises:
        ValueError: the comments are not there.
    """
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in text or end not in text:
        raise ValueError(f"the text has no block between {start} and {end}")
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}\n{content}{end}", text, flags=re.DOTALL)


def rewritten(text: str) -> str:
    """The text with every block that it has made anew."""
    for name, content in BLOCKS.items():
        if f"<!-- {name} -->" in text:
            text = replace_block(text, name, content())
    return text


def main() -> None:
    for name in FILES:
        file = ROOT / name
        file.write_text(rewritten(file.read_text()))


if __name__ == "__main__":
    main()
