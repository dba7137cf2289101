"""The hours in which a model is kept warm, and the minutes of a week in which it is asked.

A schedule of EventBridge Scheduler is one expression, `rate(4 minutes)` or a `cron(…)`. Hours that begin or end
within an hour of the clock need more than one, since one `cron` has the same minutes in each of its hours.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
HOURS_PER_MONTH = 730
WEEKS_PER_MONTH = HOURS_PER_MONTH / 168
_DAY_MINUTES = 24 * 60
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


class HoursError(ValueError):
    """Raised for hours that cannot be read; the text says what is wrong and shows an example."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Days of the week, and the time of day from `start` to `end`, in minutes after midnight of the schedule's zone.

        Hours.parse("mon-fri,08:00-18:00").text    # "Mon–Fri 08:00–18:00"

    `end` is no part of it: the last minute is the one before.
    """

    days: tuple[str, ...] = DAYS
    start: int = 0
    end: int = _DAY_MINUTES

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Read `always`, or days and hours such as `mon-fri,08:00-18:00` or `sat,10:00-14:00`.

        Raises:
            HoursError: the text is neither, or the hours end before they begin.
        """
        if text.strip().lower() == "always":
            return cls()
        days_text, comma, time_text = text.partition(",")
        if not comma:
            raise HoursError(f"{text!r} is neither 'always' nor days and hours as in 'mon-fri,08:00-18:00'.")
        start_text, dash, end_text = time_text.partition("-")
        if not dash:
            raise HoursError(f"{time_text!r} is no time of day with its end, as in '08:00-18:00'.")
        start, end = _minutes(start_text), _minutes(end_text)
        if start >= end:
            raise HoursError(f"{time_text!r} ends before it begins; hours over midnight are two schedules.")
        return cls(_days(days_text), start, end)

    @property
    def is_always(self) -> bool:
        """Whether there is no hour without it."""
        return self == Hours()

    @property
    def text(self) -> str:
        """The hours for people."""
        if self.is_always:
            return "always"
        return f"{_days_text(self.days)} {_clock(self.start)}–{_clock(self.end)}"

    @property
    def option(self) -> str:
        """The hours as `parse` reads them."""
        if self.is_always:
            return "always"
        first = DAYS.index(self.days[0])
        days = f"{self.days[0]}-{self.days[-1]}" if len(self.days) > 1 else DAYS[first]
        return f"{days.lower()},{_clock(self.start)}-{_clock(self.end)}"

    @property
    def per_month(self) -> float:
        """Hours in an average month."""
        return (self.end - self.start) / 60 * len(self.days) * WEEKS_PER_MONTH

    def begun_earlier(self, minutes: int) -> Hours:
        """The same hours, begun so many minutes earlier on the same day, so that the model is warm when they begin."""
        if self.is_always:
            return self
        return Hours(self.days, max(0, self.start - minutes), self.end)

    def ping_minutes(self, every_minutes: int) -> list[int]:
        """The minutes of a day, after midnight, in which the model is asked.

        They are counted from the beginning of the hours, so that the first one warms the model.
        """
        return list(range(self.start, self.end, every_minutes))

    def expressions(self, every_minutes: int) -> list[str]:
        """The expressions of the schedules that ask at these minutes.

        Each has the same minutes in all of its hours; hours with other minutes are another schedule's.
        """
        if self.is_always:
            unit = "minute" if every_minutes == 1 else "minutes"
            return [f"rate({every_minutes} {unit})"]
        minutes_of_hour: dict[int, list[int]] = {}
        for minute in self.ping_minutes(every_minutes):
            minutes_of_hour.setdefault(minute // 60, []).append(minute % 60)
        hours_with_minutes: dict[tuple[int, ...], list[int]] = {}
        for hour, minutes in minutes_of_hour.items():
            hours_with_minutes.setdefault(tuple(minutes), []).append(hour)
        expressions = []
        for same_minutes, hours in hours_with_minutes.items():
            minute_field = ",".join(map(str, same_minutes))
            hour_field = ",".join(map(str, hours))
            expressions.append(f"cron({minute_field} {hour_field} ? * {','.join(self.days)} *)")
        return expressions


def lead_minutes(cold_start_s: float | None) -> int:
    """How many minutes before its hours a model is woken: twice its cold start, rounded up to five minutes."""
    if cold_start_s is None:
        return 5
    return max(5, math.ceil(2 * cold_start_s / 300) * 5)


def _days(text: str) -> tuple[str, ...]:
    first_text, dash, last_text = text.strip().upper().partition("-")
    names = [first_text, last_text] if dash else [first_text]
    for name in names:
        if name not in DAYS:
            raise HoursError(f"{name!r} is no day; days are {', '.join(day.lower() for day in DAYS)}.")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    if first > last:
        raise HoursError(f"{text!r} runs over the end of the week; write it as two schedules.")
    return DAYS[first : last + 1]


def _minutes(text: str) -> int:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise HoursError(f"{text!r} is no time of day, as in '08:00'.")
    hour, minute = int(match.group(1)), int(match.group(2))
    total = 60 * hour + minute
    if minute > 59 or total > _DAY_MINUTES:
        raise HoursError(f"{text!r} is no time of day; the last one is 24:00.")
    return total


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days_text(days: tuple[str, ...]) -> str:
    first, last = days[0].capitalize(), days[-1].capitalize()
    return first if first == last else f"{first}–{last}"
