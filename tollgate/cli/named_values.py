"""Options that take NAME=VALUE and may be given often, as `--set` and `--setting` do."""

from __future__ import annotations

import click


def named_values(given: tuple[str, ...], option: str) -> dict[str, str]:
    """The values of an option that takes NAME=VALUE, by name; raises BadParameter."""
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter("write it as NAME=VALUE", param_hint=option)
        values[name] = value
    return values
