"""Warm: ask the new variant for one token until it answers, through the way that clients' requests go."""

from __future__ import annotations

from tollgate_release.exit_codes import ExitCode
from tollgate_release.invoking import ask_for_a_token
from tollgate_release.problems import Problem
from tollgate_release.steps.context import Context, NextStep

_LIMIT_S = 20 * 60
_PAUSE_S = 15


def step(context: Context) -> NextStep:
    """Ask once; go on when it answers, and come again while the model is cold."""
    release = context.release
    if release.warming_since is None:
        release.warming_since = context.now
    answer = ask_for_a_token(context.services, release.address)
    if answer.status == 200:
        release.cold_start_seconds = round(context.now - release.warming_since + answer.seconds, 1)
        release.last_ping = context.now
        release.note(context.now, "warm", f"first answer after {release.cold_start_seconds:.0f} s")
        return NextStep("smoke")
    if not answer.may_pass:
        raise Problem(
            f"The model cannot be invoked: {answer.code} (status {answer.status}). The logs say more: "
            f"its key id is keep-warm. The imported model stays: {release.model_arn}",
            ExitCode.SMOKE_TEST,
        )
    if context.now - release.warming_since > _LIMIT_S:
        raise Problem(f"The model did not answer within {_LIMIT_S // 60} min: {answer.code}.", ExitCode.SMOKE_TEST)
    release.note(context.now, "warming", answer.code)
    return NextStep("warm", _PAUSE_S)
