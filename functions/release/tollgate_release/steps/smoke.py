"""Smoke test: the golden prompts, one after another, as clients would ask them."""

from __future__ import annotations

import time

from tollgate_release.exit_codes import ExitCode
from tollgate_release.golden import grade
from tollgate_release.invoking import ask
from tollgate_release.problems import Problem
from tollgate_release.steps.context import Context, NextStep

_LIMIT_S = 120.0
"""Real seconds for which one run of the step asks; the next run goes on. A function has 900."""
_COLD_S = 15


def step(context: Context) -> NextStep:
    """Ask and grade; go on to the canary, or to everything in a first release."""
    release = context.release
    prompts = release.options.golden_prompts()
    started_s = time.monotonic()
    while release.smoke_index < len(prompts):
        if time.monotonic() - started_s > _LIMIT_S:
            return NextStep("smoke")
        prompt = prompts[release.smoke_index]
        answer = ask(context.services, release.address, prompt.request)
        if answer.code == "model_not_ready":
            # It has gone cold between two prompts; that is nobody's failure.
            release.warming_since = None
            return NextStep("warm", _COLD_S)
        release.smoke_index += 1
        release.slowest_s = max(release.slowest_s, round(answer.seconds, 1))
        reason = grade(prompt, answer.status, answer.body, answer.seconds)
        if reason is not None:
            release.smoke_failures.append(f"{prompt.name}: {reason}")
    failed = len(release.smoke_failures)
    if failed > release.options.allowed_failures:
        text = f"{failed} of {len(prompts)} golden prompts failed: {'; '.join(release.smoke_failures)}. Weight stays 0."
        raise Problem(text, ExitCode.SMOKE_TEST)
    if prompts:
        told = f"{len(prompts) - failed} of {len(prompts)} golden prompts, slowest {release.slowest_s:.1f} s"
        release.note(context.now, "tested", told)
    return NextStep("shift" if release.stable is not None else "promote")
