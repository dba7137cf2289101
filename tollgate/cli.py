"""The `tollgate` command: each subcommand's work lives in the package that it starts."""

from __future__ import annotations

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="tollgate")
def main() -> None:
    """An OpenAI-compatible, pay-per-use API for your own models on Amazon Bedrock."""
