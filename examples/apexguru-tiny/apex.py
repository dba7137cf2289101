"""Writes Apex source from nested statements, in one of the layouts that people use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random


@dataclass(frozen=True, slots=True)
class Block:
    """`head { body }`: a loop, a condition, a method, a class."""

    head: str
    body: Sequence[str | Block]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where braces and line breaks go."""

    indent: str
    brace_on_own_line: bool
    one_line: bool


def random_layout(random: Random) -> Layout:
    return Layout(
        indent=random.choice(("    ", "    ", "  ", "\t")),
        brace_on_own_line=random.random() < 0.15,
        one_line=random.random() < 0.15,
    )


def write(body: Sequence[str | Block], layout: Layout) -> str:
    """The source text of `body`; comments (`// …`) keep their own line in every layout."""
    if layout.one_line:
        return " ".join(line.strip() for line in _lines(body, layout, 0) if not line.lstrip().startswith("//"))
    return "\n".join(_lines(body, layout, 0))


def _lines(body: Sequence[str | Block], layout: Layout, depth: int) -> Iterator[str]:
    margin = layout.indent * depth
    for statement in body:
        if isinstance(statement, str):
            yield margin + statement
            continue
        if layout.brace_on_own_line:
            yield margin + statement.head
            yield margin + "{"
        else:
            yield f"{margin}{statement.head} {{"
        yield from _lines(statement.body, layout, depth + 1)
        yield margin + "}"
