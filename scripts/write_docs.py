"""Write the generated parts of the documentation: python -m scripts.write_docs

Each stands between two comments, `<!-- name -->` and `<!-- /name -->`, and is made from what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tollgate.stack.definitions import read_definition
from tollgate_layer.inference.failures.errors import ERRORS
from tollgate_layer.inference.failures.upstream import UPSTREAM

ROOT = Path(__file__).parent.parent
FILES = ("README.md", "docs/failures.md", "docs/operations.md")


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


BLOCKS = {"errors": errors, "upstream": upstream, "parameters": parameters}


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
