"""When schedules are due, and that a moved clock jumps over nothing."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tollgate.emulators.clock import Clock
from tollgate.emulators.event_bridge import Schedule, Schedules
from tollgate.emulators.event_bridge.expressions import ExpressionError, due_times

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = 60.0


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def due(expression, start, end, zone="Europe/Berlin"):
    found = due_times(expression, zone, at(start), at(start) - 1, at(end))
    return [datetime.fromtimestamp(moment, BERLIN).strftime("%d %H:%M") for moment in found]


def test_a_rate_counts_from_when_the_schedule_was_made():
    assert due("rate(25 minutes)", "2026-03-02T08:03", "2026-03-02T09:00") == ["02 08:03", "02 08:28", "02 08:53"]


def test_an_at_is_due_once():
    assert due("at(2026-12-03T10:40:00)", "2026-12-03T00:00", "2026-12-05T00:00") == ["03 10:40"]


@pytest.mark.parametrize(
    "cron, expected",
    [
        ("cron(0/30 8-9 ? * MON-FRI *)", ["02 08:00", "02 08:30", "02 09:00", "02 09:30"]),
        ("cron(55 7 ? * MON,TUE *)", ["02 07:55"]),
        ("cron(15 10 2 3 ? 2026)", ["02 10:15"]),
        ("cron(15 10 ? MAR 1,7 *)", []),
    ],
)
def test_a_cron_is_due_at_its_minutes(cron, expected):
    assert due(cron, "2026-03-02T00:00", "2026-03-02T23:59") == expected


def test_times_of_day_stay_when_summer_time_begins():
    """2026-03-29 has no 02:30 in Berlin; the next day's is an hour earlier in UTC."""
    assert due("cron(30 2,8 ? * * *)", "2026-03-28T00:00", "2026-03-30T00:00") == ["28 02:30", "28 08:30", "29 08:30"]


def test_the_hour_that_comes_twice_counts_once():
    assert due("cron(30 2 ? * * *)", "2026-10-25T00:00", "2026-10-25T12:00") == ["25 02:30"]


@pytest.mark.parametrize("expression", ["rate(0 minutes)", "rate(5)", "cron(1 2 3)", "cron(61 * ? * * *)", "never"])
def test_an_expression_that_cannot_be_read_is_refused(expression):
    with pytest.raises(ExpressionError):
        list(due_times(expression, "UTC", 0, 0, 1e6))


class Book:
    def __init__(self, *schedules):
        self.all = list(schedules)

    def schedules(self):
        return list(self.all)

    def delete(self, name):
        self.all = [one for one in self.all if one.name != name]


class Targets:
    def __init__(self, clock):
        self.clock = clock
        self.started = []

    def start(self, arn, data, name):
        self.started.append((round(self.clock.now()), data))


def test_a_moved_clock_starts_everything_that_is_due_on_its_way_at_its_time():
    clock = Clock()
    start = clock.now()
    book = Book(
        Schedule("a", "rate(4 minutes)", "UTC", "arn", "ping", start + 1, False),
        Schedule("b", f"at({datetime.fromtimestamp(start + 600, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%S})", "UTC", "arn",
                 "once", start, True),
    )  # fmt: skip
    targets = Targets(clock)
    schedules = Schedules(book, targets, clock)
    try:
        clock.advance(3600)
    finally:
        schedules.close()

    pings = [moment - start for moment, data in targets.started if data == "ping"]
    assert pings == pytest.approx([240 * number for number in range(15)], abs=2)
    assert [moment - start for moment, data in targets.started if data == "once"] == pytest.approx([600], abs=2)
    assert [one.name for one in book.all] == ["a"]
