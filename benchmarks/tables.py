"""The tables of docs/performance.md, from a run's JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure, significant
from benchmarks.plot import BOTO3_ELSEWHERE, PEERS
from benchmarks.starts import BOTO3
from tollgate.costs import snapstart

if TYPE_CHECKING:
    from tollgate.text_tables import Row

_CONTENTS = 5


def machine(run: dict[str, Any]) -> str:
    """What was measured, where and when."""
    return (
        "Commit `{commit}`, {date}; {processor}, {cores} cores, {system}, Python {python}, "
        "load average {load:.2f} at the start. Medians, and in parentheses the quartiles."
    ).format(**run["machine"])


def startup(run: dict[str, Any]) -> list[Row]:
    """Every start of this run."""
    table: list[Row] = [("start", "x bare", "x bare, CPU time", "ms", "MiB")]
    for start in run["startup"]:
        figures = (_spread(start[field]) for field in ("multiple", "cpu_multiple", "milliseconds"))
        table.append((start["name"], *figures, significant(start["memory_mib"])))
    stream = run["stream"]
    for name, field in (
        ("stream, until it answers", "start_ratio"),
        ("stream, with TLS to its endpoints", "start_tls_ratio"),
    ):
        table.append((name, _spread(stream[field]), "", "", ""))
    return table


def peers(run: dict[str, Any]) -> list[Row]:
    """What others were measured at, elsewhere; and the one start that both runs know."""
    boto3 = next(start for start in run["startup"] if start["name"] == BOTO3)
    return [
        ("start", "x bare, elsewhere", "x bare, this run"),
        (BOTO3, f"{BOTO3_ELSEWHERE}", _spread(boto3["multiple"])),
        *((name, f"{multiple}", "") for name, multiple in PEERS.items()),
    ]


def packages(run: dict[str, Any]) -> list[Row]:
    """Each package and the largest of what is in it."""
    table: list[Row] = [("package", "MiB", "of it bytecode", "largest contents, MiB")]
    for package in run["packages"]:
        largest = list(package["contents"].items())[:_CONTENTS]
        contents = ", ".join(f"{name} {_mib(size)}" for name, size in largest)
        table.append((package["name"], _mib(package["mib"]), _mib(package["bytecode_mib"]), contents))
    return table


def requests(run: dict[str, Any]) -> list[Row]:
    """A ten-message chat of 2 KB."""
    table: list[Row] = [("ten messages, 2 KB; CPU ms", "both", "p95", "preprocess", "postprocess", "µs per KB", "R²")]
    for cost in run["requests"]:
        fields = ("p95_ms", "preprocess_ms", "postprocess_ms", "microseconds_per_kb", "r_squared")
        table.append((cost["kind"], _spread(cost["cpu_ms"]), *(significant(cost[field]) for field in fields)))
    return table


def sizes(run: dict[str, Any]) -> list[Row]:
    """The same by size."""
    kilobytes = [f"{size['body_bytes'] // 1000} KB" for size in run["requests"][0]["sizes"]]
    rows = [(cost["kind"], *(significant(size["p50_ms"]) for size in cost["sizes"])) for cost in run["requests"]]
    return [("both functions, CPU ms p50", *kilobytes), *rows]


def memory(run: dict[str, Any]) -> str:
    """Whether memory stays."""
    figures = run["memory"]
    return (
        f"Resident memory after {figures['requests'] // 10:,} requests of all three kinds to a hundred models: "
        f"{figures['early_mib']:.1f} MiB; after {figures['requests']:,}: {figures['late_mib']:.1f} MiB."
    )


def path(run: dict[str, Any]) -> list[Row]:
    """The local step path, state by state."""
    cost = run["path"]
    table: list[Row] = [("where", "ms")]
    table += [(state["name"], _spread(state["milliseconds"])) for state in cost["states"]]
    table.append(("outside the execution: HTTP, key, mapping templates", _spread(cost["around_ms"])))
    table.append(("**one request, p50**", significant(cost["p50_ms"])))
    table.append(("**one request, p95**", significant(cost["p95_ms"])))
    return table


def listening(run: dict[str, Any]) -> str:
    """How fast `make dev` is."""
    return f"`tollgate dev` answers {_spread(run['listening']['seconds'])} s after the command."


def stream(run: dict[str, Any]) -> list[Row]:
    """The streaming path against a zero-delay upstream."""
    figures = run["stream"]
    names = {
        "overhead_per_boto3": "added to a whole answer, as a multiple of one boto3 call",
        "overhead_ms": "added to a whole answer, ms",
        "stream_overhead_ms": "added to a streamed answer, ms",
        "time_to_first_token_ms": "time to first token, ms",
        "boto3_ms": "one boto3 call of the same upstream, ms",
        "requests_per_s": "requests/s, 16 clients, one process",
        "streams_per_s": "streams/s, 16 clients, one process",
        "rss_mib": "memory under load, MiB",
    }
    return [("stream path", "p50"), *((text, _spread(figures[name])) for name, text in names.items())]


def snapstart_costs(_: dict[str, Any]) -> list[Row]:
    """SnapStart for Preprocess and Postprocess together."""
    table: list[Row] = [("versions kept", "no restores", "60 restores/h", "3,600 restores/h")]
    for versions in (1, 3, 10):
        costs = (2 * snapstart(function_mb=512, versions=versions, restores_per_hour=rate) for rate in (0, 60, 3600))
        table.append((f"{versions}", *(f"{cost:,.2f}" for cost in costs)))
    return table


def _spread(figure: Any) -> str:
    if not isinstance(figure, dict):
        return significant(figure)
    return str(Figure(figure["median"], figure["q1"], figure["q3"], int(figure["samples"])))


def _mib(size: float) -> str:
    return f"{size:.1f}" if size >= 0.05 else "< 0.1"
