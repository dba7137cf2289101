"""Keep-warm as schedules of EventBridge Scheduler: the schedules themselves are all that is kept.

Nothing runs between pings, and no table says what is switched on: a schedule's description holds what its expression
cannot tell (the limit, the price it was agreed to, who did).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from tollgate_release.keep_warm.hours import Hours
from tollgate_release.keep_warm.ping import ping_input

_PREFIX = "warm-"
_LONGEST_MODEL = 50
"""Characters of a model's name in a schedule's, which may have 64."""


@dataclass(frozen=True, slots=True)
class KeepWarm:
    """What is switched on for a model. Prices are US dollars per month for one model copy, if nobody else asks."""

    model: str
    hours: str
    """As `Hours.parse` reads them."""
    timezone: str
    every_minutes: int
    lead_minutes: int
    """How many minutes before its hours the model is woken."""
    units: int
    usd_per_month: float
    max_usd_per_month: float | None
    switched_on_by: str

    def description(self) -> str:
        """All of it but the model's name, as a schedule's description, which has at most 512 characters."""
        facts = asdict(self)
        del facts["model"]
        facts["switched_on_by"] = self.switched_on_by[-200:]
        return json.dumps(facts, separators=(",", ":"))


class KeepWarmSchedules:
    """The schedules of a stack that keep its models warm.

    Args:
        scheduler: a boto3 client of EventBridge Scheduler, whose errors go through.
        group: the stack's schedule group.
        machine_arn: the inference machine, of which each ping is an execution.
        role_arn: the role by which the scheduler starts it.
    """

    def __init__(self, scheduler: Any, group: str, machine_arn: str, role_arn: str) -> None:
        self._scheduler = scheduler
        self._group = group
        self._machine_arn = machine_arn
        self._role_arn = role_arn

    def switch_on(self, setting: KeepWarm) -> None:
        """Have a model asked as a setting says, in place of an earlier setting."""
        hours = Hours.parse(setting.hours).begun_earlier(setting.lead_minutes)
        expressions = hours.expressions(setting.every_minutes)
        earlier = set(self._names(setting.model))
        for number, expression in enumerate(expressions, 1):
            name = f"{schedule_prefix(setting.model)}{number}"
            self._put(name, expression, setting, exists=name in earlier)
            earlier.discard(name)
        for name in earlier:
            self._delete(name)

    def switch_off(self, model: str) -> bool:
        """Have a model no longer asked; says whether it was."""
        names = self._names(model)
        for name in names:
            self._delete(name)
        return bool(names)

    def get(self, model: str) -> KeepWarm | None:
        """What is switched on for a model."""
        names = self._names(model)
        return self._read(names[0]) if names else None

    def all(self) -> list[KeepWarm]:
        """What is switched on, by model."""
        settings = {}
        for name in self._names(None):
            setting = self._read(name)
            if setting is not None:
                settings[setting.model] = setting
        return [settings[model] for model in sorted(settings)]

    def _put(self, name: str, expression: str, setting: KeepWarm, *, exists: bool) -> None:
        # The scheduler fills in <aws.scheduler.execution-id>:
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
        execution_input = ping_input(setting.model, "<aws.scheduler.execution-id>")
        put = self._scheduler.update_schedule if exists else self._scheduler.create_schedule
        put(
            Name=name,
            GroupName=self._group,
            Description=setting.description(),
            ScheduleExpression=expression,
            ScheduleExpressionTimezone=setting.timezone,
            FlexibleTimeWindow={"Mode": "OFF"},
            State="ENABLED",
            Target={
                "Arn": self._machine_arn,
                "RoleArn": self._role_arn,
                "Input": json.dumps(execution_input),
                # A late ping is worth nothing.
                "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
            },
        )

    def _delete(self, name: str) -> None:
        try:
            self._scheduler.delete_schedule(Name=name, GroupName=self._group)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return  # somebody else was faster

    def _names(self, model: str | None) -> list[str]:
        prefix = _PREFIX if model is None else schedule_prefix(model)
        names = []
        for page in self._scheduler.get_paginator("list_schedules").paginate(GroupName=self._group, NamePrefix=prefix):
            for schedule in page["Schedules"]:
                # `warm-a-` is also how the schedules of a model `a-1` begin.
                if model is None or schedule["Name"].removeprefix(prefix).isdecimal():
                    names.append(schedule["Name"])
        return sorted(names)

    def _read(self, name: str) -> KeepWarm | None:
        """The setting of a schedule; None when it is gone, or is not one of these."""
        try:
            schedule = self._scheduler.get_schedule(Name=name, GroupName=self._group)
            body = json.loads(json.loads(schedule["Target"]["Input"])["body"])
            return KeepWarm(model=body["model"], **json.loads(schedule.get("Description", "")))
        except (self._scheduler.exceptions.ResourceNotFoundException, ValueError, KeyError, TypeError):
            return None


def schedule_prefix(model: str) -> str:
    """How the names of a model's schedules begin; a number follows.

    Model names have only characters that schedules' names may have, but may be longer.
    """
    if len(model) <= _LONGEST_MODEL:
        return f"{_PREFIX}{model}-"
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"{_PREFIX}{model[: _LONGEST_MODEL - 9]}-{digest}-"
