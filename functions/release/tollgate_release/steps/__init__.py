"""The steps of a release: each can be run again and again, and goes on where it was.

All that a step must know is in the tables and in AWS itself. So it does not matter who runs it, the state machine or a
command, nor after how long: a step that died half-way is simply run again.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, aws_problem, code_of
from tollgate_release.release import Release
from tollgate_release.steps.context import Context, NextStep

if TYPE_CHECKING:
    from tollgate_release.services import Services

STEPS = (
    "begin",
    "check",
    "import_model",
    "warm",
    "smoke",
    "shift",
    "judge",
    "promote",
    "roll_back",
    "retire",
    "clean_up",
)
_PASSING = ("Throttling", "TooManyRequests", "ServiceUnavailable", "InternalServer", "InternalFailure", "RequestLimit",
            "ProvisionedThroughput", "InternalError", "SlowDown")  # fmt: skip
_MOST_TRIES = 20
_PAUSE_S = 15


def run(step: str, message: dict[str, Any], now: float, services: Services) -> dict[str, Any]:
    """Run one step.

    Args:
        step: one of `STEPS`.
        message: for `begin` a request or an event, for the others what the step before has answered.
        now: the time, in seconds since 1970: the state machine's, which need not be this process's.
        services: the stack.

    Returns:
        `next` (a step, or `done`), `wait_seconds` before it, and `model` and `release` for it; at the end also how the
        release ended.
    """
    if step in ("begin", "clean_up"):
        # These two find or make the release themselves.
        whole = import_module(f"tollgate_release.steps.{step}")
        answer: dict[str, Any] = getattr(whole, step)(message, now, services)
        return answer
    document = services.releases.get_release(message["model"], message["release"])
    if document is None:
        raise LookupError("the release is not in its table")
    context = Context(Release.from_json(document), services, now)
    outcome = _run(step, context, message)
    return context.answer(outcome)


def _run(step: str, context: Context, message: dict[str, Any]) -> NextStep:
    release = context.release
    if "error" in message and step == "roll_back" and not release.result:
        # The machine's own catcher: a step broke, or took too long.
        release.finish(context.now, "failed", ExitCode.UNEXPECTED, f"A step failed: {message['error']}")
    try:
        outcome: NextStep = import_module(f"tollgate_release.steps.{step}").step(context)
        release.tries = 0
    except Problem as problem:
        outcome = _end(step, context, problem)
    except (ClientError, BotoCoreError) as error:
        if _may_pass(error) and release.tries < _MOST_TRIES:
            release.tries += 1
            outcome = NextStep(step, _PAUSE_S)
        elif isinstance(error, ClientError):
            outcome = _end(step, context, aws_problem(error))
        else:
            outcome = _end(step, context, Problem(str(error), ExitCode.UNEXPECTED))
    release.stage = outcome.next
    context.save()
    return outcome


def _end(step: str, context: Context, problem: Problem) -> NextStep:
    """What comes after a problem: the way back, while the release holds the record; otherwise its end."""
    release = context.release
    release.finish(context.now, problem.result, problem.exit_code, str(problem))
    release.note(context.now, "failed", str(problem).splitlines()[0])
    if step != "roll_back" and release.holds_record and problem.exit_code != ExitCode.CHANGED:
        return NextStep("roll_back")
    release.holds_record = False
    return NextStep("done")


def _may_pass(error: ClientError | BotoCoreError) -> bool:
    """Whether the same call may succeed later: the service is busy, or cannot be reached."""
    if isinstance(error, ClientError):
        return code_of(error).startswith(_PASSING)
    return True
