"""Reads loads: files of times and tokens in several shapes, and CloudWatch's counts.

Times are seconds since 1970, tokens whole numbers; what a source does not say is drawn, with a seed. A file is read
once, line by line, into three arrays.
"""

from __future__ import annotations

import csv
import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tollgate.imported_models import MINUTE_S, client_of, is_arn, minutes
from tollgate.planning.made_up import Lengths, profile_trace, servegen_trace
from tollgate.planning.trace import Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

_PROFILE = re.compile(r"(office|steady):(\d+(?:\.\d+)?)/(h|d)$")
_LATEST_S = 4e9
"""Seconds since 1970 until 2096. Milliseconds are larger."""
_DAY_S = 86400.0
_LONGEST_S = 10 * 366 * _DAY_S
_MOST_TOKENS = 10_000_000
_COLUMNS = {
    "timestamp": "at", "time": "at",
    "prompt_tokens": "prompt", "contexttokens": "prompt",
    "completion_tokens": "completion", "generatedtokens": "completion",
}  # fmt: skip
"""Names of columns in small letters, ours and those of Azure's public traces."""


def read_trace(source: str, zone: ZoneInfo, seed: int) -> Trace:
    """The load that a source names: a file, `servegen:FILE`, `office:20/h`, or `cloudwatch:MODEL_ARN:14d`.

    Times without a zone are in `zone`.

    Raises:
        TraceError: there is no such source, or it is in no shape that is known.
    """
    lengths = Lengths(seed)
    made_up = _PROFILE.match(source)
    if made_up is not None:
        return profile_trace(made_up[1], float(made_up[2]) / (24 if made_up[3] == "d" else 1), lengths, seed, zone)
    if source.startswith(("office:", "steady:")):
        raise TraceError(f"{source} is no load: they are office:20/h, steady:100/d and the like.")
    if source.startswith("cloudwatch:"):
        return _cloudwatch(source.removeprefix("cloudwatch:"), lengths)
    name = source.removeprefix("servegen:")
    try:
        # Spreadsheets write a mark before the first column's name, which utf-8-sig leaves out.
        with Path(name).open(encoding="utf-8-sig", newline="") as file:
            trace = _file(file, zone, lengths) if name == source else servegen_trace(file, lengths, seed)
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{source} cannot be read: {error}") from error
    trace.sort()
    if len(trace) and trace.at[-1] - trace.at[0] > _LONGEST_S:
        raise TraceError(f"{source} lasts longer than ten years: is one of its times wrong?")
    return trace


def _file(file: TextIO, zone: ZoneInfo, lengths: Lengths) -> Trace:
    """A CSV with a header, or log lines of Tollgate's functions, told apart by their first letter."""
    first = file.read(1)
    file.seek(0)
    return _log_lines(file, zone, lengths) if first == "{" else _csv(file, zone, lengths)


def _csv(file: TextIO, zone: ZoneInfo, lengths: Lengths) -> Trace:
    first = file.readline()
    separator = next((mark for mark in ";\t" if mark in first), ",")
    header = [_COLUMNS.get(name.strip().lower()) for name in next(csv.reader([first], delimiter=separator), [])]
    rows = csv.reader(file, delimiter=separator)
    if "at" not in header:
        raise TraceError("The trace has no header with the column timestamp (docs/plan.md says what it may have).")
    places = {name: place for place, name in enumerate(header) if name is not None}
    trace = Trace()
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            at = seconds(row[places["at"]], zone)
            prompt = _tokens(row, places.get("prompt"), lengths.prompt)
            completion = _tokens(row, places.get("completion"), lengths.completion)
        except (ValueError, IndexError, OverflowError) as error:
            raise TraceError(f"Line {number} of the trace cannot be read: {error}") from error
        trace.add(at, prompt, max(completion, 1))
    return trace


def _tokens(row: list[str], place: int | None, draw: Callable[[], int]) -> int:
    """The tokens in a cell, drawn where there is none or nothing in it. Raises ValueError: it is no number."""
    if place is None or not row[place].strip():
        return draw()
    tokens = int(float(row[place]))
    if not 0 <= tokens <= _MOST_TOKENS:
        raise ValueError(f"{row[place]} tokens are none or too many")
    return tokens


def _log_lines(file: TextIO, zone: ZoneInfo, lengths: Lengths) -> Trace:
    """The lines of requests that were answered, in what Postprocess or Stream has logged; all others are passed by."""
    trace = Trace()
    lines = 0
    for line in file:
        lines += 1
        try:
            entry: dict[str, Any] = json.loads(line)
            if entry.get("message") == "request" and entry.get("status") == 200 and "completion_length" in entry:
                at = seconds(str(entry["timestamp"]).replace(",", "."), zone)
                prompt = entry.get("prompt_tokens") or lengths.prompt()
                trace.add(at, int(prompt), int(entry.get("completion_tokens") or lengths.completion()))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue
    if not len(trace):
        raise TraceError(f"None of the {lines} lines tells of a request that was answered (docs/operations.md).")
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
    if not 0 <= number < _LATEST_S:
        raise ValueError(f"{text} are no seconds since 1970, nor from a begin; milliseconds?")
    return number


def _cloudwatch(named: str, lengths: Lengths) -> Trace:
    """The invocations that Bedrock counted of a model, by the minute, spread evenly within each."""
    arn, _, days = named.rpartition(":")
    if not re.fullmatch(r"\d+d", days) or not arn:
        raise TraceError("It must be cloudwatch:MODEL_ARN:DAYSd, as in cloudwatch:arn:aws:bedrock:…:14d.")
    if not is_arn(arn):
        raise TraceError(f"{arn} is no ARN of an imported model.")
    from botocore.exceptions import BotoCoreError, ClientError

    until = time.time()
    begin = until - int(days[:-1]) * _DAY_S
    try:
        counted = minutes(client_of("cloudwatch", arn), arn, "Invocations", "Sum", begin, until)
    except (BotoCoreError, ClientError) as error:
        raise TraceError(f"CloudWatch was not asked for invocations: {error}") from error
    return spread(counted, lengths)


def spread(counted: list[tuple[float, float]], lengths: Lengths) -> Trace:
    """Requests of which it is known how many came in each minute: `(when it begins, how many)`."""
    trace = Trace()
    for minute, count in counted:
        for number in range(round(count)):
            trace.add(minute + MINUTE_S * number / count, lengths.prompt(), lengths.completion())
    return trace
