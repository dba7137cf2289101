"""What a release may be asked for: by the command's options, or by the fields of a `release.json`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from tollgate_release.exit_codes import ExitCode
from tollgate_release.golden import GoldenPrompt, parse_golden
from tollgate_release.problems import Problem

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_QUIET = ("hold", "replay", "promote")
_DAY_S = 86400.0


@dataclass(slots=True)
class Options:
    """A release's options; times are in seconds, `tolerance` is a share (0.02 for two points)."""

    steps: list[int] = field(default_factory=lambda: [5, 25, 50, 100])
    interval_s: float = 600.0
    tolerance: float = 0.02
    if_quiet: str = "hold"
    max_duration_s: float = _DAY_S
    keep_previous_s: float | None = _DAY_S
    """After how long at weight 0 the old variant is deleted; None: never."""
    golden: list[dict[str, Any]] = field(default_factory=list)
    golden_uri: str | None = None
    allowed_failures: int = 0
    attempt: int = 1
    metric_delay_s: float = 120.0
    queue_s: float = 4 * 3600.0
    record: dict[str, Any] = field(default_factory=dict)
    """Fields of the new variant that differ from the stable one's, such as chat_template."""
    tags: dict[str, str] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    dry_run: bool = False

    def golden_prompts(self) -> list[GoldenPrompt]:
        """The golden prompts that were given with the options."""
        return parse_golden("\n".join(json.dumps(one) for one in self.golden))

    def as_json(self) -> dict[str, Any]:
        """The options as a release keeps them."""
        return asdict(self)


def read_options(given: dict[str, Any]) -> Options:
    """The options in a request: names as the command's, with underscores; times as `10m` or seconds.

    Raises:
        Problem: an option is unknown or has a value that cannot be; the text names it.
    """
    options = Options()
    known = {
        "steps": _steps,
        "interval": _seconds,
        "tolerance": _share,
        "if_quiet": _quiet,
        "max_duration": _seconds,
        "keep_previous": _seconds_or_never,
        "golden": _golden,
        "golden_uri": _text,
        "allowed_failures": _count,
        "attempt": _count,
        "metric_delay": _seconds,
        "queue": _seconds,
        "record": _object,
        "tags": _object,
        "alarms": _texts,
        "dry_run": bool,
    }
    fields = {"interval": "interval_s", "max_duration": "max_duration_s", "keep_previous": "keep_previous_s",
              "metric_delay": "metric_delay_s", "queue": "queue_s"}  # fmt: skip
    for name, value in given.items():
        if name not in known:
            raise Problem(f"{name} is no option of a release; these are: {', '.join(known)}.", ExitCode.USAGE)
        if value is None:
            continue
        try:
            setattr(options, fields.get(name, name), known[name](value))
        except (ValueError, TypeError) as error:
            raise Problem(f"{name}: {error}", ExitCode.USAGE) from error
    if "max_duration" not in given and options.interval_s < 60:
        # So short an interval is a rehearsal: nobody waits a day for its end. But no step ends before its last
        # requests can be seen.
        options.max_duration_s = 12 * (options.interval_s + options.metric_delay_s)
    return options


def parse_seconds(text: Any) -> float:
    """Seconds from a number, or a text such as `90`, `90s`, `10m`, `24h` or `7d`.

    Raises:
        ValueError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is no time; write it as 90s, 10m, 24h or 7d")
    return float(match.group(1)) * _UNITS[match.group(2) or "s"]


def parse_share(text: Any) -> float:
    """A share from a text such as `2%` or a number such as 0.02.

    Raises:
        ValueError: it is neither, or not between 0 and 1.
    """
    written = str(text).strip()
    try:
        share = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"{text!r} is no share; write it as 2% or 0.02") from None
    if not 0 < share < 1:
        raise ValueError(f"{text!r} is not between 0 and 100%")
    return share


_seconds, _share = parse_seconds, parse_share


def _seconds_or_never(value: Any) -> float | None:
    return None if value == "never" else parse_seconds(value)


def _steps(value: Any) -> list[int]:
    parts = value.split(",") if isinstance(value, str) else value
    steps = [int(str(part).strip().removesuffix("%")) for part in parts]
    if not steps or steps != sorted(set(steps)) or not all(0 < step <= 100 for step in steps):
        raise ValueError(f"{value!r} must be rising percentages, as in 5,25,50,100")
    return steps if steps[-1] == 100 else [*steps, 100]


def _quiet(value: Any) -> str:
    if value not in _QUIET:
        raise ValueError(f"{value!r} is none of {', '.join(_QUIET)}")
    return str(value)


def _golden(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        value = "\n".join(json.dumps(one) for one in value)
    return [prompt.as_json() for prompt in parse_golden(str(value))]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(value: Any) -> list[str]:
    return [_text(one) for one in value]


def _count(value: Any) -> int:
    if int(value) < 0:
        raise ValueError(f"{value!r} is below 0")
    return int(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value
