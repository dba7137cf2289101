"""A run: what was measured of what, phase by phase.

`run.json` has the figures, `requests.jsonl` each request's times (of its texts there is nothing), `model.json` is for
the planner.

`schema` is raised where a field changes its meaning or goes; new fields leave it.
"""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.profiles import profile
from tollgate.measuring.case_study import beside_published
from tollgate.measuring.copies import EMBEDDED
from tollgate.measuring.figures import copy_figures

if TYPE_CHECKING:
    from pathlib import Path

    from tollgate.measuring.copies import CopyLog
    from tollgate.measuring.session import Measured

SCHEMA = 1
FEWEST = 30
"""Requests of a phase below which its percentiles say little; the report says so."""


class RunError(Exception):
    """Raised when a run's file cannot be read; the message is a sentence."""


class Run:
    """A run that grows by phases, and is written with each, so that an interrupted one keeps those that were done."""

    def __init__(self, target: str, model: str, units: int, *, simulated: bool, folder: Path | None) -> None:
        self._folder = folder
        self._requests: list[str] = []
        self.document: dict[str, Any] = {
            "schema": SCHEMA,
            "tool": "tollgate bench",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "target": target,
            "model": model,
            "units": units,
            "simulated": simulated,
            "interrupted": False,
            "rows": [],
            "knee": None,
        }

    def add(self, phase: Measured, *, is_case_study: bool) -> None:
        """Add a phase that is done."""
        self.document["rows"].append(beside_published(phase.row) if is_case_study else phase.row)
        self.document["knee"] = knee(self.document["rows"])
        if phase.row["copies_from"] == EMBEDDED:
            self.document["simulated"] = True
        number = len(self.document["rows"])
        for sample in phase.samples:
            self._requests.append(json.dumps({"phase": number, **sample._asdict()}))
        self.write()

    def set_copies(self, copies: CopyLog) -> None:
        """Put what is known of the copies afterwards in the place of what was inferred, for phases that have any."""
        for row in self.document["rows"]:
            known = copy_figures(row, copies, self.document["units"])
            if known["copies"] is not None:
                row.update(known)
        self.document["knee"] = knee(self.document["rows"])
        self.write()

    def interrupt(self) -> None:
        """Note that phases are missing."""
        self.document["interrupted"] = True
        self.write()

    def write(self) -> None:
        """Write the files of the run, if it has a folder."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self._folder / "run.json", _pretty(self.document))
        _write(self._folder / "model.json", _pretty(model_profile(self.document)))
        _write(self._folder / "requests.jsonl", "".join(f"{line}\n" for line in self._requests))


def read_run(path: Path) -> dict[str, Any]:
    """A run's document, from its file or its folder.

    Raises:
        RunError: there is none, or one of another schema.
    """
    file = path / "run.json" if path.is_dir() else path
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        schema = document["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} is no run of `tollgate bench`: {error}") from error
    if schema != SCHEMA:
        raise RunError(f"{file} has schema {schema}; this version reads {SCHEMA}.")
    return document


def knee(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How many clients get answers for the least, and the first number at which a copy was added; None if unknown."""
    priced = [row for row in rows if row["usd_per_1000"] is not None and row["clients"] is not None]
    if not priced:
        return None
    cheapest = min(priced, key=lambda row: float(row["usd_per_1000"]))
    added = None
    for before, row in pairwise(priced):
        if added is None and (row["copies"] or 0) > (before["copies"] or 0):
            added = row["clients"]
    return {"clients": cheapest["clients"], "usd_per_1000": cheapest["usd_per_1000"], "copy_added_at": added}


def model_profile(document: dict[str, Any]) -> dict[str, Any]:
    """The profile that the planner simulates, each value with where it is from.

    Measured are the time for a token with one client, how much each neighbour on a copy adds, and how long a cold model
    took, where it was cold at first; the rest is assumed as in the case study.
    """
    assumed = profile("case-study")
    fields = {}
    for name in ("cold_start_seconds", "idle_seconds", "max_copies", "concurrency_per_copy", "scale_out_above",
                 "scale_out_seconds", "decode_seconds_per_token", "slowdown_per_neighbour"):  # fmt: skip
        fields[name] = {"value": getattr(assumed, name), "from": "assumed"}
    cold = [row["cold_start_s"] for row in document["rows"] if row["cold_start_s"] is not None]
    if cold:
        fields["cold_start_seconds"] = {"value": cold[0], "from": "measured"}
    alone = [row for row in document["rows"] if row["clients"] == 1 and row["seconds_per_token"]]
    if alone and alone[0]["seconds_per_token"]["p50"] > 0:  # a server that answers at once has no pace
        pace = alone[0]["seconds_per_token"]["p50"]
        fields["decode_seconds_per_token"] = {"value": pace, "from": "measured"}
        for row in document["rows"]:
            if row["clients"] and row["copies"] and row["seconds_per_token"] and row["clients"] > row["copies"]:
                neighbours = row["clients"] / row["copies"] - 1
                slowdown = max((row["seconds_per_token"]["p50"] / pace - 1) / neighbours, 0.0)
                fields["slowdown_per_neighbour"] = {"value": round(slowdown, 4), "from": "measured"}
                break
    return {"schema": SCHEMA, "units": document["units"], "simulated": document["simulated"], "profile": fields}


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"


def _write(file: Path, text: str) -> None:
    """Write a whole file, or leave the one that is there."""
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
