"""Tables as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[str, ...]
"""The first cell names the row; the first row names the columns."""


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table; columns of numbers stand to the right."""
    columns = zip(*rows[1:], strict=True)
    rules = ["---", *("--:" if all(map(_is_number, column)) else "---" for column in list(columns)[1:])]
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, f"|{'|'.join(rules)}|", *body])


def plain(rows: Sequence[Row]) -> str:
    """The same in columns for a terminal."""
    cells = [[cell.replace("*", "").replace("`", "") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    )


def _is_number(cell: str) -> bool:
    return not cell or cell.lstrip("<≤≥ *")[:1].isdigit()
