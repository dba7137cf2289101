"""What is wanted, and where a run has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.figures import significant

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.text_tables import Row


class Target(NamedTuple):
    """A figure of a run that must be at most `limit`; with `least`, at least."""

    name: str
    limit: float
    value: Callable[[dict[str, Any]], float]
    least: bool = False


def _median(figure: Any) -> float:
    return float(figure["median"] if isinstance(figure, dict) else figure)


def _start(name: str, field: str = "multiple") -> Callable[[dict[str, Any]], float]:
    def value(run: dict[str, Any]) -> float:
        figure = next(start for start in run["startup"] if start["name"] == name)[field]
        return _median(figure)

    return value


def _package(name: str) -> Callable[[dict[str, Any]], float]:
    return lambda run: next(float(package["mib"]) for package in run["packages"] if package["name"] == name)


def _request(kind: int) -> Callable[[dict[str, Any]], float]:
    return lambda run: float(run["requests"][kind]["cpu_ms"]["median"])


def _stream(name: str) -> Callable[[dict[str, Any]], float]:
    return lambda run: _median(run["stream"][name])


TARGETS = (
    Target("start of authorizer, x bare interpreter", 4, _start("authorizer")),
    Target("start of preprocess, x bare interpreter (aim: 8)", 14, _start("preprocess")),
    Target("start of postprocess, x bare interpreter (aim: 8)", 14, _start("postprocess")),
    Target("start of stream until it answers, x bare interpreter (aim: 25)", 35, _stream("start_ratio")),
    Target("memory of preprocess after its start, MiB", 32, _start("preprocess", "memory_mib")),
    Target("memory of postprocess after its start, MiB", 32, _start("postprocess", "memory_mib")),
    Target("memory of stream under load, MiB", 55, _stream("rss_mib")),
    Target("package of preprocess, MiB", 12, _package("preprocess")),
    Target("package of postprocess, MiB", 12, _package("postprocess")),
    Target("package of stream, MiB", 30, _package("stream")),
    Target("ten messages, template applied by the server, CPU ms p50", 0.3, _request(0)),
    Target("ten messages, built-in template, CPU ms p50", 0.3, _request(1)),
    Target("ten messages, the model's own template, CPU ms p50", 0.3, _request(2)),
    Target("stream path over the upstream, ms p50", 1.2, _stream("overhead_ms")),
    Target("stream path, time to first token, ms p50", 1.8, _stream("time_to_first_token_ms")),
    Target("stream path, requests/s, 16 clients, one process", 900, _stream("requests_per_s"), least=True),
    Target("step path on this machine, ms p50", 20, lambda run: run["path"]["p50_ms"]),
    Target("tollgate dev listens after, s", 2, lambda run: run["listening"]["seconds"]["median"]),
)


def rows(run: dict[str, Any]) -> list[Row]:
    """Each target beside what the run has."""
    table: list[Row] = [("figure", "this run", "target", "met")]
    for target in TARGETS:
        value = target.value(run)
        met = value >= target.limit if target.least else value <= target.limit
        sign = "≥" if target.least else "≤"
        table.append((target.name, significant(value), f"{sign} {target.limit:g}", "yes" if met else "**no**"))
    return table
