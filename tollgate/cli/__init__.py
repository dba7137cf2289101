"""The `tollgate` command: one module per subcommand.

A subcommand's module holds its options and messages. It imports the package that does the work inside the function,
so that `tollgate --help` does not wait for what other subcommands need.
"""

from __future__ import annotations

import click

from tollgate.cli.bedrock import bedrock
from tollgate.cli.cost import cost
from tollgate.cli.dev import dev
from tollgate.cli.inspect import inspect
from tollgate.cli.record import record
from tollgate.extras import DISTRIBUTION


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name=DISTRIBUTION)
def main() -> None:
    """An OpenAI-compatible, pay-per-use API for your own models on Amazon Bedrock."""


for command in (inspect, dev, bedrock, record, cost):
    main.add_command(command)
