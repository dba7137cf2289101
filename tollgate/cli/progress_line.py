"""How far a long command is: one line on the error output of a terminal, and nothing where nobody looks."""

from __future__ import annotations

import sys

import click

_BAR = 30


def show(text: str) -> None:
    """Put a text in place of the one before; an empty one clears the line."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", err=True, nl=False)


def show_bar(name: str, done: int, total: int) -> None:
    """Show a bar of so many steps; with the last one it goes."""
    filled = round(_BAR * done / total)
    show(f"  {name} [{'#' * filled:<{_BAR}}] {done} of {total}" if done < total else "")
