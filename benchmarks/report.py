"""docs/performance.md: its words are written by hand, its tables by this module, between the markers that name them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from benchmarks import tables, targets
from benchmarks.handlers import ROOT
from tollgate.costs import tables as cost_tables
from tollgate.text_tables import markdown, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.text_tables import Row

FILE = ROOT / "docs" / "performance.md"
SECONDS = (1.0, 8.0, 30.0)
RATES = (0.1, 1.0, 10.0)
_BLOCK = re.compile(r"<!-- bench: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
BLOCKS: dict[str, Callable[[dict[str, Any]], str | list[Row]]] = {
    "machine": tables.machine,
    "targets": targets.rows,
    "startup": tables.startup,
    "peers": tables.peers,
    "packages": tables.packages,
    "requests": tables.requests,
    "sizes": tables.sizes,
    "memory": tables.memory,
    "path": tables.path,
    "listening": tables.listening,
    "stream": tables.stream,
    "snapstart": tables.snapstart_costs,
    "cost": lambda _: cost_tables.per_million(SECONDS, RATES),
    "cost_parts": lambda _: cost_tables.parts(SECONDS),
    "cost_model": lambda _: cost_tables.model(),
}


def write(run: dict[str, Any]) -> None:
    """Renew the tables."""
    FILE.write_text(filled(FILE.read_text(), run))


def filled(text: str, run: dict[str, Any]) -> str:
    """The document with the tables of a run.

    Raises:
        KeyError: a marker names a table that does not exist.
    """

    def block(match: re.Match[str]) -> str:
        content = BLOCKS[match[1]](run)
        return f"<!-- bench: {match[1]} -->\n{content if isinstance(content, str) else markdown(content)}\n<!-- end -->"

    return _BLOCK.sub(block, text)


def summary(run: dict[str, Any]) -> str:
    """The targets, for a terminal."""
    return plain(targets.rows(run))
