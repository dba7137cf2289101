"""The `tollgate` command: one module per subcommand.

A subcommand's module holds its options and messages. It imports the package that does the work inside the function,
so that `tollgate --help` does not wait for what other subcommands need.
"""

from __future__ import annotations

import click

from tollgate.cli.bedrock import bedrock
from tollgate.cli.bench import bench
from tollgate.cli.compare import compare
from tollgate.cli.cost import cost
from tollgate.cli.dev import dev
from tollgate.cli.hooks import hooks
from tollgate.cli.inspect import inspect
from tollgate.cli.keep_warm import keep_warm
from tollgate.cli.models import models
from tollgate.cli.plan import plan
from tollgate.cli.promote import promote
from tollgate.cli.record import record
from tollgate.cli.release import release
from tollgate.cli.roll_back import roll_back
from tollgate.cli.status import abort, pause, resume, status
from tollgate.extras import DISTRIBUTION


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name=DISTRIBUTION)
def main() -> None:
    """An OpenAI-compatible, pay-per-use API for your own models on Amazon Bedrock."""


for command in (
    inspect,
    dev,
    bedrock,
    record,
    models,
    compare,
    promote,
    roll_back,
    cost,
    release,
    status,
    pause,
    resume,
    abort,
    keep_warm,
    hooks,
    plan,
    bench,
):
    main.add_command(command)
