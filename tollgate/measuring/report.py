"""A run as text and as one HTML file, and two runs side by side."""

from __future__ import annotations

from typing import Any

from tollgate import svg
from tollgate.measuring.runs import FEWEST
from tollgate.text_tables import listing

_HEAD = (
    "LOAD",
    "REQUESTS",
    "P50",
    "P95",
    "P99",
    "REQ/MIN",
    "TTFT P95",
    "S/TOKEN",
    "GOOD",
    "FAILED",
    "COPIES",
    "WINDOWS",
    "USD/1000",
)
_PUBLISHED = (
    "CLIENTS",
    "P95 S",
    "PUBLISHED",
    "DIFFERENCE",
    "REQ/MIN",
    "PUBLISHED",
    "DIFFERENCE",
    "COPIES",
    "PUBLISHED",
)


def rows(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row for each phase."""
    found: list[tuple[str, ...]] = [_HEAD]
    for row in document["rows"]:
        total, first, pace = row["latency_s"], row["time_to_first_token_s"], row["seconds_per_token"]
        failed = sum(row["failures"].values())
        found.append(
            (
                _load(row),
                str(row["requests"]) + ("" if row["requests"] >= FEWEST else "!"),
                _of(total, "p50"),
                _of(total, "p95"),
                _of(total, "p99"),
                f"{row['requests_per_minute']:,.1f}",
                _of(first, "p95"),
                _of(pace, "p50"),
                f"{row['goodput_share']:.0%}",
                str(failed) if failed else "-",
                _copies(row),
                "-" if row["windows"] is None else str(row["windows"]),
                "-" if row["usd_per_1000"] is None else f"{row['usd_per_1000']:.2f}",
            )
        )
    return found


def beside(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """The case study's table with ours beside it; only the head where no phase has a published row."""
    found: list[tuple[str, ...]] = [_PUBLISHED]
    for row in document["rows"]:
        if "published" not in row:
            continue
        theirs, differs = row["published"], row["difference"]
        found.append(
            (
                str(row["clients"]),
                "-" if row["p95_s"] is None else f"{row['p95_s']:.2f}",
                f"{theirs['p95_s']:.2f}",
                _percent(differs["p95_s"]),
                f"{row['requests_per_minute']:.1f}",
                f"{theirs['requests_per_minute']}",
                _percent(differs["requests_per_minute"]),
                _copies(row),
                "not given" if theirs["copies"] is None else str(theirs["copies"]),
            )
        )
    return found


def as_text(document: dict[str, Any]) -> str:
    """A run for a terminal."""
    lines = [f"{document['model']} at {document['target']}{_simulated(document)}", ""]
    lines.append(listing(rows(document), _HEAD[1:]))
    published = beside(document)
    if len(published) > 1:
        lines += ["", "Beside the published table:", listing(published, _PUBLISHED)]
    if document["knee"]:
        lines += ["", _knee(document["knee"])]
    lines += ["", *_notes(document)]
    return "\n".join(lines).rstrip()


def charts(document: dict[str, Any]) -> dict[str, str]:
    """The page's charts, by their headings."""
    found = {}
    closed = [row for row in document["rows"] if row["clients"] is not None and row["latency_s"]]
    if closed:
        series = {}
        for name in ("p50", "p95", "p99"):
            series[f"latency {name}, s"] = [(row["clients"], row["latency_s"][name]) for row in closed]
        found["Latency"] = svg.lines("Latency by clients", series, "clients")
        rate = {"requests a minute": [(row["clients"], row["requests_per_minute"]) for row in closed]}
        found["Rate"] = svg.lines("Requests a minute by clients", rate, "clients")
    copies = _copies_over_time(document)
    if copies:
        found["Model copies"] = svg.lines("Model copies over time", copies, "seconds", steps=True)
    return found


def as_html(document: dict[str, Any]) -> str:
    """A run as one page."""
    parts = [svg.paragraph(f"{document['model']} at {document['target']}, {document['started']}.", note=True)]
    if document["simulated"]:
        parts.append(svg.paragraph("Simulated: the embedded Bedrock's model copies, not AWS's."))
    for name, drawing in charts(document).items():
        parts.append(svg.section(name, drawing))
    parts.append(svg.section("Phases", svg.table(rows(document))))
    published = beside(document)
    if len(published) > 1:
        parts.append(svg.section("Beside the published table", svg.table(published)))
    for note in _notes(document):
        parts.append(svg.paragraph(note, note=True))
    return svg.page("What was measured", parts)


def _copies_over_time(document: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """The copies of each phase that knows them, until its end."""
    found = {}
    for row in document["rows"]:
        changes = [(at, serving) for at, serving in row["copies_over_time"]]
        if changes:
            found[_load(row)] = [*changes, (row["seconds"], changes[-1][1])]
    return found


def _load(row: dict[str, Any]) -> str:
    if row["clients"] is None:
        return "open"
    return "1 client" if row["clients"] == 1 else f"{row['clients']} clients"


def compared(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[str, ...]]:
    """Two runs by phases of as many clients: values of both, and the second's as a multiple of the first's."""
    found: list[tuple[str, ...]] = [("LOAD", "FIGURE", "FIRST", "SECOND", "SECOND / FIRST")]
    for row in first["rows"]:
        for other in second["rows"]:
            if other["clients"] != row["clients"]:
                continue
            load = _load(row)
            for name in ("p95_s", "requests_per_minute", "goodput_share", "usd_per_1000"):
                ours, theirs = row[name], other[name]
                ratio = "-" if not ours or theirs is None else f"{theirs / ours:.3f}"
                found.append((load, name, _number(ours), _number(theirs), ratio))
            break
    return found


def _notes(document: dict[str, Any]) -> list[str]:
    """What is to be known of a run beside its figures, a sentence each."""
    rows = document["rows"]
    notes = [*_uncertainty(rows), *_by_littles_law(rows), *_copies_told(rows)]
    for row in rows:
        if row["failures"]:
            codes = ", ".join(f"{code} ({count})" for code, count in sorted(row["failures"].items()))
            notes.append(f"{_load(row)}: failed with {codes}.")
        if row["cold_start_s"] is not None:
            notes.append(f"{_load(row)}: the model was cold, and answered after {row['cold_start_s']:.0f} s.")
    if document["interrupted"]:
        notes.append("The run was interrupted: phases are missing.")
    return notes


def _uncertainty(rows: list[dict[str, Any]]) -> list[str]:
    notes = []
    for row in rows:
        total, law = row["latency_s"], row["littles_law"]
        if total is not None and row["requests"] >= FEWEST:
            low, high = total["p95_between"]
            checked = "" if law is None else f"; by Little's law {law:.2f} of them were waiting on average"
            notes.append(f"{_load(row)}: P95 is between {low:.3f} and {high:.3f} s in 95 of 100 resamplings{checked}.")
    if any(row["requests"] < FEWEST for row in rows):
        notes.append(f"! below {FEWEST} requests percentiles say little.")
    return notes


def _by_littles_law(rows: list[dict[str, Any]]) -> list[str]:
    """The published rates say how long answers took on average: a check of the table, and of ours beside it."""
    theirs = [row["published"]["mean_over_p95_by_littles_law"] for row in rows if "published" in row]
    if not theirs:
        return []
    ours = [row["latency_s"]["mean"] / row["p95_s"] for row in rows if "published" in row and row["p95_s"]]
    told = ", ".join(f"{share:.2f}" for share in theirs)
    here = ", ".join(f"{share:.2f}" for share in ours)
    return [f"By Little's law the published rates mean mean latencies of {told} times P95; here they are {here}."]


def _copies_told(rows: list[dict[str, Any]]) -> list[str]:
    """Where copies are known from, and what was billed for them."""
    notes = []
    for source in sorted({row["copies_from"] for row in rows if row["copies_from"] is not None}):
        mark = "~ " if source.startswith("inferred") else ""
        notes.append(f"{mark}Model copies: {source}.")
    if any(row["copies"] is None for row in rows):
        notes.append("? model copies are not known here: --copies-of ARN asks CloudWatch, --units infers them.")
    windows = [row["windows"] for row in rows if row["windows"] is not None]
    if windows:
        usd = sum(row["usd"] for row in rows if row["usd"] is not None)
        notes.append(f"Billed windows of five minutes, warm-ups included: {sum(windows)}, which are ${usd:,.2f}.")
    return notes


def _copies(row: dict[str, Any]) -> str:
    """How many copies served at the phase's end: ~ for those that were inferred."""
    if row["copies"] is None:
        return "?"
    return f"{row['copies']}~" if row["copies_from"].startswith("inferred") else str(row["copies"])


def _knee(found: dict[str, Any]) -> str:
    added = "" if found["copy_added_at"] is None else f"; a copy was added at {found['copy_added_at']}"
    return f"The cheapest answers come with {found['clients']} clients: ${found['usd_per_1000']:.2f} per 1,000{added}."


def _simulated(document: dict[str, Any]) -> str:
    return " (simulated)" if document["simulated"] else ""


def _of(figures: dict[str, Any] | None, name: str) -> str:
    return "-" if figures is None else f"{figures[name]:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"
