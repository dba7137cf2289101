"""Judge: look at both variants' figures, follow orders, and say how it goes on."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from tollgate_release.exit_codes import ExitCode
from tollgate_release.figures import read_figures
from tollgate_release.invoking import ping
from tollgate_release.judge import Figures, Verdict, counts, is_too_quiet, judge
from tollgate_release.problems import Problem, RecordChanged
from tollgate_release.release import Release
from tollgate_release.statistics import needed_without_failure
from tollgate_release.steps.context import Context, NextStep
from tollgate_release.steps.replay import replay
from tollgate_release.steps.shift import look_seconds

_PING_EVERY_S = 200.0
"""Shorter than a copy stays without requests, by AWS's figure of five minutes, and a look may be two minutes late."""
_MOST_BLIND_LOOKS = 5


def step(context: Context) -> NextStep:
    """One look at the canary."""
    release = context.release
    stored = context.services.records.models.get(release.model)
    if stored is None or stored.releasing != release.id:
        found = None if stored is None else stored.revision
        raise RecordChanged(release.model, release.revision, found, (stored and stored.updated_by) or "somebody")
    if release.order == "abort":
        return _back(context, "stopped by order")
    _keep_warm(context)
    look_s = look_seconds(release.options.interval_s, release.options.max_duration_s)
    if release.order == "pause":
        release.note(context.now, "paused", "by order; go on with: tollgate resume " + release.model)
        return NextStep("judge", look_s)
    if alarm := _ringing(context):
        return _back(context, f"the alarm {alarm} rings")
    figures = _figures(context)
    if figures is None:
        return NextStep("judge", look_s)
    verdict = _verdict(context, *figures)
    percent = release.options.steps[release.step_index]
    release.was_slow = verdict.is_slow
    release.note(context.now, f"canary {percent} %", f"{verdict.reason}; {_power(verdict)}: {verdict.kind}")
    if verdict.kind == "fail":
        return _back(context, verdict.reason)
    if verdict.kind == "pass":
        return _next_step(release)
    return _undecided(context, *figures, look_s)


def _verdict(context: Context, canary: Figures, stable: Figures) -> Verdict:
    release = context.release
    release.figures = {
        "requests": canary.requests,
        "failures": canary.failures,
        "stable_requests": stable.requests,
        "stable_failures": stable.failures,
    }
    verdict = judge(
        canary,
        stable,
        release.options.tolerance,
        interval_over=_interval_is_over(context),
        was_slow=release.was_slow,
    )
    release.figures["would_have_shown"] = round(verdict.would_have_shown, 4)
    return verdict


def _undecided(context: Context, canary: Figures, stable: Figures, look_s: float) -> NextStep:
    """Too little is known: wait on, ask the golden prompts instead, or end, as the options say."""
    release = context.release
    options = release.options
    if _interval_is_over(context) and is_too_quiet(canary, options.tolerance):
        if options.if_quiet == "promote" and canary.failures == 0:
            release.note(context.now, "quiet", f"promoted without evidence: {canary.requests} requests")
            return NextStep("promote")
        if options.if_quiet == "replay" and options.golden:
            return replay(context, look_s)
    if context.now - (release.canary_since or context.now) < options.max_duration_s:
        return NextStep("judge", look_s)
    needed = needed_without_failure(options.tolerance)
    release.finish(
        context.now,
        "held",
        ExitCode.HELD,
        f"Undecided: {counts(canary, stable)}; a tolerance of {options.tolerance:.0%} needs {needed} requests "
        f"without a failure. Held at weight 0. Promote it: tollgate promote {release.model} {release.variant}; "
        "or compare on golden prompts: --if-quiet replay",
    )
    return NextStep("roll_back")


def _next_step(release: Release) -> NextStep:
    if release.step_index + 1 < len(release.options.steps):
        return NextStep("shift")
    return NextStep("promote")


def _interval_is_over(context: Context) -> bool:
    """Whether the step has lasted its time, and its last requests can be seen."""
    release = context.release
    since = release.step_since or context.now
    return context.now - since >= release.options.interval_s + release.options.metric_delay_s


def _figures(context: Context) -> tuple[Figures, Figures] | None:
    """Both variants' figures; None when they cannot be read now.

    Raises:
        Problem: they could not be read for too long: nobody may shift requests in the dark.
    """
    release, services = context.release, context.services
    stable = release.stable or ""
    start = release.canary_since or context.now
    try:
        found = read_figures(
            services.client("cloudwatch"), services.stack, release.model, [release.variant, stable], start, context.now
        )
    except (ClientError, BotoCoreError) as error:
        release.blind_looks += 1
        release.note(context.now, "blind", f"the figures cannot be read: {error}")
        if release.blind_looks >= _MOST_BLIND_LOOKS:
            text = f"The figures could not be read {_MOST_BLIND_LOOKS} times running: {error}"
            raise Problem(text, ExitCode.ROLLED_BACK, "rolled_back") from error
        return None
    release.blind_looks = 0
    return found[release.variant], found[stable]


def _ringing(context: Context) -> str | None:
    """The first of the release's alarms that rings."""
    names = context.release.options.alarms
    if not names:
        return None
    answer = context.services.client("cloudwatch").describe_alarms(AlarmNames=names, StateValue="ALARM")
    for alarm in answer["MetricAlarms"]:
        return str(alarm["AlarmName"])
    return None


def _keep_warm(context: Context) -> None:
    """Ask both variants for a token from time to time, so that neither is judged by its cold start."""
    release = context.release
    if context.now - release.last_ping < _PING_EVERY_S:
        return
    release.last_ping = context.now
    for variant in (release.variant, release.stable):
        ping(context.services, f"{release.model}@{variant}")


def _back(context: Context, reason: str) -> NextStep:
    context.release.finish(context.now, "rolled_back", ExitCode.ROLLED_BACK, f"The canary failed: {reason}")
    return NextStep("roll_back")


def _power(verdict: Verdict) -> str:
    return f"more than {verdict.would_have_shown:.1%} would have shown"
