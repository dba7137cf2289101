"""Reads loads: files of times and tokens in several shapes, CloudWatch's counts, and made-up profiles.

Times are seconds since 1970, tokens whole numbers; what a source does not say is drawn, with a seed. A file is read
once, into three arrays of 16 bytes a request in all, and sorted if it is not.
"""

from __future__ import annotations

import csv
import json
import math
import random
import re
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from tollgate.planning.copies import Arrival

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

PROMPT_TOKENS, COMPLETION_TOKENS = 500, 200
"""Means of what a trace does not say; log-normal around them, as in the case study's fit (decision 43)."""
_SPREAD = 0.19
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_PROFILE = re.compile(r"(office|steady):(\d+(?:\.\d+)?)/(h|d)$")
_SERVEGEN_S = 600.0
"""Seconds for which a row of ServeGen's traces holds."""
_COLUMNS = {
    "timestamp": "at", "time": "at",
    "prompt_tokens": "prompt", "contexttokens": "prompt",
    "completion_tokens": "completion", "generatedtokens": "completion",
}  # fmt: skip
"""Names of columns in small letters, ours and those of Azure's public traces."""


class TraceError(Exception):
    """Raised when a trace cannot be read; the message is a sentence."""


class Trace:
    """The requests of a load, in the order of their times."""

    def __init__(self) -> None:
        self.at = array("d")
        self.prompt_tokens = array("i")
        self.completion_tokens = array("i")
        self.known_hours: float | None = None
        """How long the load lasts, where that is known."""

    def __len__(self) -> int:
        return len(self.at)

    def add(self, at: float, prompt_tokens: int, completion_tokens: int) -> None:
        """Add a request."""
        self.at.append(at)
        self.prompt_tokens.append(prompt_tokens)
        self.completion_tokens.append(completion_tokens)

    def arrivals(self) -> Iterator[Arrival]:
        """The requests, one by one."""
        for at, prompt, completion in zip(self.at, self.prompt_tokens, self.completion_tokens, strict=True):
            yield Arrival(at, prompt, completion)

    @property
    def hours(self) -> float:
        """How long the load lasts: from its first request to its last, and the mean pause after that."""
        if self.known_hours is not None:
            return self.known_hours
        if len(self) < 2:
            return 1.0
        return (self.at[-1] - self.at[0]) * len(self) / (len(self) - 1) / 3600 or 1.0

    def sort(self) -> None:
        """Put the requests into the order of their times, if they are not in it."""
        if all(self.at[index] <= self.at[index + 1] for index in range(len(self) - 1)):
            return
        order = array("I", sorted(range(len(self)), key=self.at.__getitem__))
        self.at = array("d", (self.at[index] for index in order))
        self.prompt_tokens = array("i", (self.prompt_tokens[index] for index in order))
        self.completion_tokens = array("i", (self.completion_tokens[index] for index in order))


class Lengths:
    """Tokens of requests whose source does not say them."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 -- draws lengths, protects nothing

    def prompt(self) -> int:
        """Of a prompt."""
        return self._around(PROMPT_TOKENS)

    def completion(self) -> int:
        """Of an answer."""
        return self._around(COMPLETION_TOKENS)

    def _around(self, mean: int) -> int:
        return max(1, round(mean * self._dice.lognormvariate(0, _SPREAD)))


def read_trace(source: str, zone: ZoneInfo, seed: int) -> Trace:
    """The load that a source names: a file, `servegen:FILE`, `office:20/h`, or `cloudwatch:MODEL_ARN:14d`.

    Times without a zone are in `zone`.

    Raises:
        TraceError: there is no such source, or it is in no shape that is known.
    """
    lengths = Lengths(seed)
    made_up = _PROFILE.match(source)
    if made_up is not None:
        return _profile(made_up[1], float(made_up[2]) / (24 if made_up[3] == "d" else 1), lengths, seed, zone)
    if source.startswith("cloudwatch:"):
        return _cloudwatch(source.removeprefix("cloudwatch:"), lengths)
    kind, _, name = source.rpartition("servegen:")
    try:
        with Path(name or source).open(encoding="utf-8", newline="") as file:
            trace = _servegen(file, lengths, seed) if kind == "" and name != source else _file(file, zone, lengths)
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{source} cannot be read: {error}") from error
    trace.sort()
    return trace


def _file(file: TextIO, zone: ZoneInfo, lengths: Lengths) -> Trace:
    """A CSV with a header, or log lines of Tollgate's functions, told apart by their first letter."""
    first = file.read(1)
    file.seek(0)
    return _log_lines(file, zone, lengths) if first == "{" else _csv(file, zone, lengths)


def _csv(file: TextIO, zone: ZoneInfo, lengths: Lengths) -> Trace:
    rows = csv.reader(file)
    header = [_COLUMNS.get(name.strip().lower()) for name in next(rows, [])]
    if "at" not in header:
        raise TraceError("The trace has no header with the column timestamp (docs/plan.md says what it may have).")
    places = {name: place for place, name in enumerate(header) if name is not None}
    trace = Trace()
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            at = seconds(row[places["at"]], zone)
            prompt = int(float(row[places["prompt"]])) if "prompt" in places else lengths.prompt()
            completion = int(float(row[places["completion"]])) if "completion" in places else lengths.completion()
        except (ValueError, IndexError) as error:
            raise TraceError(f"Line {number} of the trace cannot be read: {error}") from error
        trace.add(at, max(prompt, 0), max(completion, 1))
    return trace


def _log_lines(file: TextIO, zone: ZoneInfo, lengths: Lengths) -> Trace:
    """The lines of requests that were answered, in what Postprocess or Stream has logged; all others are passed by."""
    trace = Trace()
    for line in file:
        try:
            entry: dict[str, Any] = json.loads(line)
            if entry.get("message") == "request" and entry.get("status") == 200 and "completion_length" in entry:
                at = seconds(str(entry["timestamp"]).replace(",", "."), zone)
                prompt = entry.get("prompt_tokens") or lengths.prompt()
                trace.add(at, int(prompt), int(entry.get("completion_tokens") or lengths.completion()))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return trace


def seconds(text: str, zone: ZoneInfo) -> float:
    """A time as seconds since 1970: a number, or ISO 8601, in `zone` where it says none.

    Raises:
        ValueError: it is neither.

    Example:
        >>> seconds("1970-01-01T00:01:00Z", ZoneInfo("UTC"))
        60.0
    """
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text[:26] if re.search(r"\.\d{7,}$", text) else text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp()
    if not math.isfinite(number):
        raise ValueError(f"{text} is no time")
    return number


def _profile(kind: str, per_hour: float, lengths: Lengths, seed: int, zone: ZoneInfo) -> Trace:
    """Four weeks of requests that come by chance: around the clock, or Monday to Friday from 8 to 18 o'clock."""
    dice, trace = random.Random(seed), Trace()  # noqa: S311 -- draws pauses, protects nothing
    trace.known_hours = 28 * 24.0
    for day in range(28):
        begins = (_MONDAY + timedelta(days=day)).replace(tzinfo=zone)
        if kind == "office" and day % 7 > 4:
            continue
        opens, closes = (8, 18) if kind == "office" else (0, 24)
        now = begins.timestamp() + opens * 3600
        while per_hour > 0:
            now += dice.expovariate(per_hour / 3600)
            if now >= begins.timestamp() + closes * 3600:
                break
            trace.add(now, lengths.prompt(), lengths.completion())
    return trace


class _Row(NamedTuple):
    """One row of ServeGen's: from when, how many requests a second, and how uneven their pauses are."""

    at: float
    rate: float
    variation: float


def _servegen(file: TextIO, lengths: Lengths, seed: int) -> Trace:
    """A client of ServeGen's (https://github.com/alibaba/ServeGen): `t,rate,cv,…` each ten minutes, without a header.

    Pauses are drawn from a gamma distribution of the row's coefficient of variation.
    """
    dice, trace = random.Random(seed), Trace()  # noqa: S311 -- draws pauses, protects nothing
    for number, cells in enumerate(csv.reader(file), start=1):
        try:
            row = _Row(float(cells[0]), float(cells[1]), float(cells[2]))
        except (ValueError, IndexError) as error:
            raise TraceError(f"Line {number} is none of ServeGen's: t, rate, cv, …") from error
        if row.rate <= 0:
            continue
        shape = 1 / max(row.variation, 0.01) ** 2
        now = row.at
        while True:
            now += dice.gammavariate(shape, 1 / (row.rate * shape))
            if now >= row.at + _SERVEGEN_S:
                break
            trace.add(now, lengths.prompt(), lengths.completion())
    return trace


def _cloudwatch(named: str, lengths: Lengths) -> Trace:
    """The invocations that Bedrock counted of a model, by the minute, spread evenly within each."""
    arn, _, days = named.rpartition(":")
    if not re.fullmatch(r"\d+d", days) or not arn:
        raise TraceError("It must be cloudwatch:MODEL_ARN:DAYSd, as in cloudwatch:arn:aws:bedrock:…:14d.")
    import boto3

    until = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/Bedrock",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "ModelId", "Value": arn}],
    }
    query = {"Id": "invocations", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    pages = boto3.client("cloudwatch").get_paginator("get_metric_data")
    trace = Trace()
    for page in pages.paginate(
        MetricDataQueries=[query],
        StartTime=until - timedelta(days=int(days[:-1])),
        EndTime=until,
        ScanBy="TimestampAscending",
    ):
        (result,) = page["MetricDataResults"]
        for minute, count in zip(result["Timestamps"], result["Values"], strict=True):
            for number in range(round(count)):
                trace.add(minute.timestamp() + 60 * number / count, lengths.prompt(), lengths.completion())
    trace.sort()
    return trace
