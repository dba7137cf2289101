"""Writes what a command was asked to leave in a file, or says in a sentence why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path


def write_text(file: Path, text: str, option: str) -> None:
    """Write a whole file, which an option has named."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be written: {error.strerror}", param_hint=option) from error


def make_folder(folder: Path, option: str) -> None:
    """Make a folder, which an option has named, and those that it is in."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{folder} cannot be made: {error.strerror}", param_hint=option) from error
