"""How a release is told on a terminal, in a log, and to scripts."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tollgate.releases.ended import Ended
    from tollgate_release.release import Release

_WIDTH = 12
_SILENCE_S = 60.0


class Teller:
    """Tells of events: text to the error output, JSON lines to the standard output."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._plan_is_told = False
        self._last_bytes_s = 0.0
        self._upload_is_told = False

    def event(self, event: dict[str, Any]) -> None:
        """Tell of one event of a release."""
        if self._as_json:
            self._line({"event": "progress", **event})
        else:
            sys.stderr.write(f"  {event['stage']:<{_WIDTH}} {event['detail']}\n")
            sys.stderr.flush()

    def uploading(self, done: int, total: int) -> None:
        """Tell how far an upload is: a bar on a terminal, a line a minute elsewhere."""
        now = time.monotonic()
        is_terminal = sys.stderr.isatty() and not self._as_json
        is_over = done >= total
        if is_over and self._upload_is_told:
            return
        self._upload_is_told = is_over
        if not is_over and now - self._last_bytes_s < (0.1 if is_terminal else _SILENCE_S):
            return
        self._last_bytes_s = now
        share = done / total if total else 1.0
        if self._as_json:
            self._line({"event": "progress", "stage": "upload", "bytes": done, "total_bytes": total})
        elif is_terminal:
            bar = "#" * round(30 * share)
            sys.stderr.write(f"\r  {'uploading':<{_WIDTH}} [{bar:<30}] {share:4.0%} of {total / 1e9:.3f} GB")
            sys.stderr.write("\n" if is_over else "")
        else:
            sys.stderr.write(f"  {'uploading':<{_WIDTH}} {share:.0%} of {total / 1e9:.3f} GB\n")
        sys.stderr.flush()

    def plan(self, release: Release | None) -> None:
        """Tell what the release found before it made anything."""
        if release is None or not release.plan or self._plan_is_told:
            return
        self._plan_is_told = True
        if self._as_json:
            self._line({"event": "plan", **release.plan})
            return
        for label, text in plan_lines(release.plan):
            sys.stderr.write(f"  {label:<{_WIDTH}} {text}\n")

    def ended(self, ended: Ended) -> None:
        """Tell how it ended: the result to the standard output."""
        if self._as_json:
            self._line(ended.as_json())
        elif ended.exit_code == 0:
            sys.stdout.write(f"{ended.message}\n")
        else:
            sys.stderr.write(f"Error: {ended.message}  [{ended.exit_code}]\n")

    def _line(self, document: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def plan_lines(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """A plan as labelled lines."""
    least, most = plan["custom_model_units"]
    units = str(most) if least == most else f"{least} to {most}"
    storage, release = plan["storage_usd_per_month"], plan["release_usd"]
    lines = [
        (
            "artifacts",
            f"{plan['architecture']}, {plan['parameters'] / 1e9:.3g} B parameters, {plan['gigabytes']:.3f} GB, "
            f"{plan['context_length']:,} tokens, {plan['chat_template'] or 'no chat template'}",
        ),
        (
            "account",
            f"{plan['imported_models']} imported models; the quota is {plan['imported_models_quota']} unless raised",
        ),
        (
            "cost",
            f"{units} CMU per copy (an estimate): storage {_dollars(storage)} a month, "
            f"this release about {_dollars(release)}; idle $0",
        ),
        ("traffic", _traffic(plan)),
    ]
    lines += [("warning", warning) for warning in plan["warnings"]]
    return lines


def _traffic(plan: dict[str, Any]) -> str:
    """From which variant requests move, in which steps, and how long that takes at least after the import."""
    if not plan["stable"]:
        return "first variant of this model: it serves as soon as it is imported and has passed its golden prompts"
    steps = ", ".join(str(step) for step in plan["steps"])
    seconds = plan["canary_seconds"]
    time = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"from {plan['stable']} in steps of {steps} %: at least {time} after the import"


def _dollars(span: list[float]) -> str:
    """An amount from … to, as $1.95–3.90."""
    least, most = span
    return f"${least:.2f}" if least == most else f"${least:.2f}–{most:.2f}"
