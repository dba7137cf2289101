"""Tables of text: the same rows as Markdown for a document, or in columns for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[str, ...]
"""The cells of one line. The first row names the columns, the first cell of each further row names that row."""


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table; columns of numbers are aligned to the right."""
    head, *body = rows
    _, *columns = zip(*body, strict=True)
    rules = ["---", *map(_rule, columns)]
    lines = [_markdown_line(head), f"|{'|'.join(rules)}|", *map(_markdown_line, body)]
    return "\n".join(lines)


def plain(rows: Sequence[Row]) -> str:
    """A table in columns for a terminal, without Markdown's marks."""
    cells = [_without_marks(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for name, *values in cells:
        line = [name.ljust(widths[0])]
        for value, width in zip(values, widths[1:], strict=True):
            line.append(value.rjust(width))
        lines.append("  ".join(line))
    return "\n".join(lines)


def listing(rows: Sequence[Row], numbers: Sequence[str] = ()) -> str:
    """A table of texts in columns for a terminal; the columns that `numbers` names are aligned to the right."""
    head = rows[0]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line = []
        for name, cell, width in zip(head, row, widths, strict=True):
            line.append(cell.rjust(width) if name in numbers else cell.ljust(width))
        lines.append("  ".join(line).rstrip())
    return "\n".join(lines)


def _markdown_line(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


def _rule(column: Row) -> str:
    return "--:" if all(map(_is_number, column)) else "---"


def _without_marks(row: Row) -> Row:
    return tuple(cell.replace("*", "").replace("`", "") for cell in row)


def _is_number(cell: str) -> bool:
    return not cell or cell.lstrip("<≤≥ *")[:1].isdigit()
