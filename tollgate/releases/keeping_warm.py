"""What `tollgate keep-warm` knows of a model: its units, its schedules, what they cost and how often they helped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tollgate.costs import prices
from tollgate.releases.services import services_of
from tollgate_release.exit_codes import ExitCode
from tollgate_release.imports import find_imported_model, units_of
from tollgate_release.keep_warm.hours import HOURS_PER_MONTH, Hours
from tollgate_release.keep_warm.price import Price, isolated_requests_usd, price
from tollgate_release.keep_warm.schedules import KeepWarm, KeepWarmSchedules
from tollgate_release.problems import Problem
from tollgate_release.release_table import Change
from tollgate_release.weights import weights

if TYPE_CHECKING:
    from tollgate.deployment import Deployment

_WEEK_S = 7 * 86400
_ISOLATED = (100, 20, 5, 1)
_GPU = "ml.g6e.xlarge"


def price_lines(setting: KeepWarm, hours: Hours, month: Price, stay: float | None) -> list[str]:
    """The choice before it is made, as lines for people."""
    known = "as measured" if stay else f"AWS's figure; not measured here: tollgate keep-warm probe {setting.model}"
    always = price(Hours(), 4, setting.units, prices.window_usd())
    gpu = prices.INSTANCE_HOUR[_GPU]
    lines = [
        f"{setting.model} has {setting.units} CMU per copy. Copies stay {stay or 5:g} min without a request ({known})."
    ]
    rows = [
        (
            f"every {setting.every_minutes} min, {hours.text}",
            f"{hours.per_month:.0f} h a month",
            f"${month.usd:,.0f} a month at most",
        ),
        ("every 4 min, always", f"{HOURS_PER_MONTH} h", f"${always.usd:,.0f}"),
        (
            f"{_GPU}, for comparison",
            f"{HOURS_PER_MONTH} h",
            f"${gpu * HOURS_PER_MONTH:,.0f} ({hours.per_month:.0f} h: ${gpu * hours.per_month:,.0f})",
        ),
    ]
    for per_day in _ISOLATED:
        usd = isolated_requests_usd(per_day, setting.units, prices.window_usd())
        rows.append((f"no keep-warm, {per_day} single requests a day", "", f"${usd:,.0f}, each after a cold start"))
    for label, time_text, money in rows:
        lines.append(f"  {label:<42} {time_text:<14} {money}")
    return lines


def refuse_what_helps_nobody(every: int, stays: float, month: Price) -> None:
    """Refuse an interval at which the model is gone before the next request."""
    if every >= stays:
        raise Problem(
            f"A request every {every} min would find the model cold each time, as far as is known (copies stay "
            f"{stays:g} min): ${month.usd:,.0f} a month for a model that is warm {month.warm_share:.0%} of the time. "
            "Use --every 4, or measure first: tollgate keep-warm probe; then say --stay MINUTES.",
            ExitCode.USAGE,
        )


def units_of_model(deployment: Deployment, model: str) -> int:
    """The custom model units of the variant that gets requests.

    Raises:
        Problem: the model has no record, or its units cannot be looked up.
    """

    name, _, variant = model.partition("@")
    record = services_of(deployment).records.get(name).record
    most = 0
    for one in record["variants"]:
        if one["name"] == variant or (not variant and one.get("weight", 100) > 0):
            imported = find_imported_model(services_of(deployment), str(one.get("model_id")))
            most = max(most, (units_of(imported) if imported else None) or 0)
    if most == 0:
        raise Problem(f"The custom model units of {model} are not known: say them with --units.", ExitCode.USAGE)
    return most


def schedules_of(deployment: Deployment) -> Any:

    return KeepWarmSchedules(
        deployment.client("scheduler"),
        deployment.output("ScheduleGroupName"),
        deployment.output("InferenceStateMachineArn"),
        deployment.output("SchedulerRoleArn"),
    )


def pings_of(deployment: Deployment, model: str) -> dict[str, int]:
    """The keep-warm requests of the last week, and those that found the model cold, over all variants."""
    now = deployment.now()
    queries = []
    for name in ("KeepWarmPings", "ColdPings"):
        dimensions = [{"Name": "stack", "Value": deployment.output("StackName")}, {"Name": "model", "Value": model}]
        metric = {"Namespace": "Tollgate", "MetricName": name, "Dimensions": dimensions}
        queries.append(
            {"Id": name[0].lower() + name[1:], "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
        )
    start, end = datetime.fromtimestamp(now - _WEEK_S, UTC), datetime.fromtimestamp(now + 60, UTC)
    answer = deployment.client("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
    pings, cold = (int(sum(result["Values"])) for result in answer["MetricDataResults"])
    return {"pings": pings, "cold_pings": cold}


def note(deployment: Deployment, model: str, verb: str, reason: str) -> None:

    changes = services_of(deployment).records
    stored = changes.get(model)
    shares = weights(stored.record)
    change = Change(deployment.now(), deployment.who(), verb, stored.revision, shares, shares, reason)
    changes.releases.note_change(model, change)


def check_zone(name: str) -> None:

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise Problem(f"{name!r} is no time zone; write it as Europe/Berlin.", ExitCode.USAGE) from error


def described(setting: KeepWarm) -> dict[str, Any]:
    return {
        "model": setting.model,
        "hours": setting.hours,
        "timezone": setting.timezone,
        "every_minutes": setting.every_minutes,
        "units": setting.units,
        "usd_per_month": setting.usd_per_month,
        "max_usd_per_month": setting.max_usd_per_month,
        "switched_on_by": setting.switched_on_by,
    }
