"""Options that all commands about a stack share, and how each of their failures is told."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def about_a_stack(command: F) -> F:
    """Add `--stack`, `--local` and `--output` to a command, which gets a `Deployment` and whether to print JSON.

    A foreseen problem, an error of AWS's and a missing credential end the command with a sentence and an exit code.

        @click.command()
        @about_a_stack
        def list_records(deployment: Deployment, as_json: bool) -> None: ...
    """

    @functools.wraps(command)
    def with_deployment(stack: str, local: bool, output: str, **arguments: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        from tollgate.deployment import Deployment, unreachable
        from tollgate_release.problems import Problem, aws_problem

        try:
            deployment = Deployment.local() if local else Deployment.of_stack(stack)
            command(deployment=deployment, as_json=output == "json", **arguments)
        except Problem as problem:
            fail(problem)
        except ClientError as error:
            fail(aws_problem(error))
        except BotoCoreError as error:
            fail(unreachable(error, is_local=local))

    options = [
        click.option(
            "--stack", envvar="TOLLGATE_STACK", default="tollgate", help="The stack's name. Also TOLLGATE_STACK=."
        ),
        click.option("--local", is_flag=True, help="The stack that `make dev` runs in this checkout."),
        click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json is for scripts."),
    ]
    decorated: Any = with_deployment
    for option in reversed(options):
        decorated = option(decorated)
    result: F = decorated
    return result


def fail(problem: Any) -> None:
    """Print a problem, and end with its exit code."""
    click.echo(f"Error: {problem}", err=True)
    sys.exit(int(problem.exit_code))


def print_json(value: Any) -> None:
    """Print a value as JSON, for scripts."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
