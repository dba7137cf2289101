"""Replay: the golden prompts against both variants, where too few clients ask.

It tells a broken model from a sound one, and nothing of the prompts that users send; the release says so.
"""

from __future__ import annotations

import time

from tollgate_release.exit_codes import ExitCode
from tollgate_release.golden import grade
from tollgate_release.invoking import ask
from tollgate_release.judge import Figures, judge
from tollgate_release.statistics import needed_without_failure
from tollgate_release.steps.context import Context, NextStep

_ROUNDS = 20
_LIMIT_S = 120.0


def replay(context: Context, look_s: float) -> NextStep:
    """Ask for a while, and judge by what has been asked so far; the next look goes on."""
    release = context.release
    prompts = release.options.golden_prompts()
    # So often that a variant without a failure can pass.
    most = max(_ROUNDS * len(prompts), needed_without_failure(release.options.tolerance))
    started_s = time.monotonic()
    while release.replayed < most and time.monotonic() - started_s < _LIMIT_S:
        prompt = prompts[release.replayed % len(prompts)]
        for number, variant in enumerate((release.variant, release.stable)):
            answer = ask(context.services, f"{release.model}@{variant}", prompt.request)
            if answer.code == "model_not_ready":
                return NextStep("judge", look_s)
            if grade(prompt, answer.status, answer.body, answer.seconds) is not None:
                release.replay_failures[number] += 1
        release.replayed += 1
        verdict = judge(
            Figures(release.replayed, release.replay_failures[0]),
            Figures(release.replayed, release.replay_failures[1]),
            release.options.tolerance,
            interval_over=True,
            was_slow=False,
        )
        if verdict.kind == "more":
            continue
        release.note(context.now, "replay", f"synthetic, golden prompts only: {verdict.reason}: {verdict.kind}")
        if verdict.kind == "pass":
            return NextStep("promote")
        release.finish(context.now, "rolled_back", ExitCode.ROLLED_BACK, f"The canary failed: {verdict.reason}")
        return NextStep("roll_back")
    if release.replayed < most:
        return NextStep("judge", 0)
    failed = f"{release.replay_failures[0]} of {release.replayed} golden prompts"
    release.finish(context.now, "held", ExitCode.HELD, f"Undecided: {failed} failed on replay. Held at weight 0.")
    return NextStep("roll_back")
