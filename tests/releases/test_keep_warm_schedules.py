"""Keep-warm's schedules, on a simulated EventBridge Scheduler."""

from __future__ import annotations

import json
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from tollgate_layer.inference.pipeline.before_model import read
from tollgate_layer.inference.request import IncomingRequest
from tollgate_release.keep_warm.repricing import reprice
from tollgate_release.keep_warm.schedules import KeepWarm, KeepWarmSchedules, schedule_prefix

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:inference"
SETTING = KeepWarm(
    model="apexguru",
    hours="mon-fri,08:00-18:00",
    timezone="Europe/Berlin",
    every_minutes=4,
    lead_minutes=5,
    units=1,
    usd_per_month=745.0,
    max_usd_per_month=800.0,
    switched_on_by="arn:aws:iam::123456789012:user/alice",
)


@pytest.fixture
def scheduler(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    aws = mock_aws()
    # A local stack of other tests may hold its tables in the same process's moto.
    aws.start(reset=False)
    client = boto3.client("scheduler", region_name="us-east-1")
    client.create_schedule_group(Name="tollgate")
    yield client
    client.delete_schedule_group(Name="tollgate")
    aws.stop(remove_data=False)


@pytest.fixture
def schedules(scheduler):
    role = "arn:aws:iam::123456789012:role/scheduler"
    return KeepWarmSchedules(scheduler, "tollgate", MACHINE, role)


def names(scheduler):
    return sorted(one["Name"] for one in scheduler.list_schedules(GroupName="tollgate")["Schedules"])


def test_a_larger_variant_within_the_limit_costs_more_and_stays_warm(schedules):
    schedules.switch_on(replace(SETTING, usd_per_month=300.0))

    told = reprice(schedules, "apexguru", 2)

    assert "$600 a month" in told
    assert schedules.get("apexguru") == replace(SETTING, units=2, usd_per_month=600.0)


def test_a_larger_variant_over_the_limit_is_not_kept_warm(schedules):
    schedules.switch_on(SETTING)

    told = reprice(schedules, "apexguru", 2)

    assert "over the limit of $800: switched off" in told
    assert schedules.get("apexguru") is None


@pytest.mark.parametrize("units", [1, None])
def test_a_variant_of_the_same_or_an_unknown_size_changes_nothing(schedules, units):
    schedules.switch_on(SETTING)

    assert reprice(schedules, "apexguru", units) == ""
    assert schedules.get("apexguru") == SETTING


def test_what_is_switched_on_is_read_back(schedules):
    schedules.switch_on(SETTING)

    assert schedules.get("apexguru") == SETTING
    assert schedules.all() == [SETTING]


def test_a_schedule_starts_an_ordinary_execution(schedules, scheduler):
    schedules.switch_on(SETTING)
    schedule = scheduler.get_schedule(Name=names(scheduler)[0], GroupName="tollgate")
    execution = json.loads(schedule["Target"]["Input"])

    request = read(IncomingRequest(execution["dialect"], execution["request_id"], execution["body"]))

    assert schedule["Target"]["Arn"] == MACHINE
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert execution["key_id"] == "keep-warm"
    assert (request.model, request.prompt, request.max_tokens) == ("apexguru", "Hi", 1)


def test_another_setting_takes_the_place_of_the_first(schedules, scheduler):
    schedules.switch_on(SETTING)
    before = names(scheduler)

    always = replace(SETTING, hours="always", timezone="UTC")
    schedules.switch_on(always)

    assert len(before) > 1
    assert names(scheduler) == ["warm-apexguru-1"]
    assert schedules.get("apexguru") == always


def test_switching_off_deletes_a_models_schedules_and_no_others(schedules, scheduler):
    schedules.switch_on(replace(SETTING, model="a"))
    schedules.switch_on(replace(SETTING, model="a-1", hours="always"))

    assert schedules.switch_off("a")
    assert not schedules.switch_off("a")
    assert names(scheduler) == ["warm-a-1-1"]


def test_long_names_stay_apart_and_legal():
    first, second = ("m" * 62 + end for end in "ab")

    assert schedule_prefix(first) != schedule_prefix(second)
    assert len(schedule_prefix(first)) + 2 <= 64


def test_a_schedule_of_somebody_elses_is_left_out(schedules, scheduler):
    target = {"Arn": MACHINE, "RoleArn": MACHINE, "Input": "no JSON"}
    scheduler.create_schedule(
        Name="warm-strange-1", GroupName="tollgate", ScheduleExpression="rate(1 hour)", Target=target,
        FlexibleTimeWindow={"Mode": "OFF"})  # fmt: skip

    assert schedules.all() == []


def test_the_description_fits_into_a_schedules():
    long = replace(
        SETTING, switched_on_by="x" * 2000, hours="mon-fri,08:00-18:00", timezone="America/Argentina/Buenos_Aires"
    )

    assert len(long.description()) <= 512
