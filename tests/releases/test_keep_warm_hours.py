"""The hours in which a model is kept warm, as schedules and as money."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate.emulators.bedrock.billing import WindowCounter
from tollgate_release.keep_warm.hours import DAYS, WEEKS_PER_MONTH, Hours, HoursError, lead_minutes
from tollgate_release.keep_warm.price import isolated_requests_usd, price

WINDOW_USD = 5 * 0.05718


@pytest.mark.parametrize(
    "text, shown, hours_per_month",
    [
        ("always", "always", 730),
        ("mon-fri,08:00-18:00", "Mon–Fri 08:00–18:00", 217),
        ("SAT, 9:30-12:00", "Sat 09:30–12:00", 11),
        ("mon-sun,00:00-24:00", "always", 730),
    ],
)
def test_hours_are_read_and_shown(text, shown, hours_per_month):
    hours = Hours.parse(text)

    assert hours.text == shown
    assert round(hours.per_month) == hours_per_month
    assert Hours.parse(hours.option) == hours


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "neither 'always'"),
        ("weekdays", "neither 'always'"),
        ("mon-fri,8", "no time of day with its end"),
        ("mon-fri,08:00-8", "'8' is no time of day"),
        ("mon-fri,08:00-24:30", "the last one is 24:00"),
        ("mon-fri,08:61-10:00", "'08:61' is no time"),
        ("mon-fri,18:00-08:00", "ends before it begins"),
        ("fri-mon,08:00-18:00", "over the end of the week"),
        ("mo-fr,08:00-18:00", "'MO' is no day"),
    ],
)
def test_hours_that_cannot_be_read_say_why(text, reason):
    with pytest.raises(HoursError, match=re.escape(reason)):
        Hours.parse(text)


def test_always_is_a_rate():
    assert Hours().expressions(4) == ["rate(4 minutes)"]
    assert Hours().expressions(1) == ["rate(1 minute)"]


def test_hours_that_begin_within_an_hour_are_further_schedules():
    hours = Hours.parse("mon-fri,08:00-10:00").begun_earlier(5)

    assert hours.expressions(20) == [
        "cron(55 7 ? * MON,TUE,WED,THU,FRI *)",
        "cron(15,35,55 8,9 ? * MON,TUE,WED,THU,FRI *)",
    ]


def minutes_of(expression):
    """The minutes after midnight at which an expression of ours is due, read as AWS documents it."""
    minute_field, hour_field, day_of_month, month, days, year = re.fullmatch(r"cron\((.*)\)", expression)[1].split()
    assert (day_of_month, month, year) == ("?", "*", "*")
    assert set(days.split(",")) <= set(DAYS)
    return [60 * int(hour) + int(minute) for hour in hour_field.split(",") for minute in minute_field.split(",")]


@given(st.integers(0, 1439), st.integers(1, 1440), st.integers(1, 90))
def test_the_schedules_ask_at_every_ping_minute_and_at_no_other(start, length, every):
    hours = Hours(("MON",), start, min(1440, start + length))
    due = sorted(minute for expression in hours.expressions(every) for minute in minutes_of(expression))

    if not hours.is_always:
        assert due == hours.ping_minutes(every)
        assert len(hours.expressions(every)) <= 24


@pytest.mark.parametrize("cold_start_s, minutes", [(None, 5), (20, 5), (96, 5), (200, 10), (400, 15)])
def test_a_model_is_woken_twice_its_cold_start_before(cold_start_s, minutes):
    assert lead_minutes(cold_start_s) == minutes


@pytest.mark.parametrize(
    "hours, every, units, stay, usd, warm_share",
    [
        ("always", 4, 1, 5, 2504, 1),
        ("always", 4, 8, 5, 20036, 1),
        ("mon-sun,08:00-20:00", 4, 1, 5, 1252, 1),
        ("mon-fri,08:00-18:00", 4, 1, 5, 745, 1),
        ("always", 14, 1, 15, 894, 1),
        ("always", 14, 1, 5, 894, 5 / 14),
        ("always", 55, 1, 60, 228, 1),
    ],
)
def test_the_price_of_a_month(hours, every, units, stay, usd, warm_share):
    month = price(Hours.parse(hours), every, units, WINDOW_USD, stay_minutes=stay)

    assert month.usd == pytest.approx(usd, abs=1)
    assert month.warm_share == pytest.approx(warm_share)


def test_isolated_requests_cost_a_window_each():
    assert isolated_requests_usd(100, 1, WINDOW_USD) == pytest.approx(870, abs=1)


@pytest.mark.parametrize("every", [1, 2, 4, 5, 6, 14, 55])
def test_a_week_of_pings_costs_what_the_embedded_bedrock_counts(every):
    """GIVEN a copy that stays for an hour, WHEN it is asked for a week, THEN both count as many windows."""
    counter = WindowCounter()
    for minute in range(0, 7 * 24 * 60, every):
        counter.use(minute * 60.0, since_last=False)

    month = price(Hours(), every, 1, WINDOW_USD, stay_minutes=60)

    assert month.windows / WEEKS_PER_MONTH == pytest.approx(counter.count, abs=1)
