"""The start-up plot: this run's functions beside the multiples that others were measured at, elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.handlers import ROOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = ROOT / "docs" / "startup.svg"
PEERS = {
    "a FastAPI application": 26,
    "bedrock-access-gateway": 80,
    "LiteLLM proxy 1.106": 627,
}
"""Whole fresh processes that import the handler, as multiples of a bare interpreter, on two shared cores with Python
3.12 and 3.13; figures from another run on another machine, which the plot says."""
BOTO3_ELSEWHERE = 24
"""A start of the same run as `PEERS`; this run measures it too, so that the two can be compared."""
_OURS, _THEIRS = "#1f6f8b", "#c9c9c9"


class Bar(NamedTuple):
    """One start; `q1` and `q3` only where this run knows them."""

    name: str
    multiple: float
    color: str
    q1: float | None = None
    q3: float | None = None


def draw(results: dict[str, Any]) -> None:
    """Write the plot of a run; the same run gives the same bytes."""
    bars = _bars(results)
    with mpl.rc_context({"svg.hashsalt": "tollgate", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 0.42 * len(bars) + 1.1), layout="constrained")
        _draw(figure.add_subplot(), bars)
        figure.savefig(FILE, metadata={"Date": None})


def _bars(results: dict[str, Any]) -> list[Bar]:
    by_name = {start["name"]: start["multiple"] for start in results["startup"]}
    by_name["stream, until it answers"] = results["stream"]["start_ratio"]
    ours = [
        Bar(name, figure["median"], _OURS, figure["q1"], figure["q3"])
        for name in ("authorizer", "postprocess", "preprocess", "stream, until it answers")
        for figure in [by_name[name]]
    ]
    return [*ours, *(Bar(f"{name} (elsewhere)", multiple, _THEIRS) for name, multiple in PEERS.items())]


def _draw(axes: Axes, bars: list[Bar]) -> None:
    places = range(len(bars))
    axes.barh(places, [bar.multiple for bar in bars], color=[bar.color for bar in bars], height=0.68)
    for place, bar in zip(places, bars, strict=True):
        if bar.q1 is not None and bar.q3 is not None:
            axes.plot([bar.q1, bar.q3], [place, place], color="black", linewidth=1.2)
        end = max(bar.multiple, bar.q3 or 0)
        axes.annotate(f"{bar.multiple:.3g} x", (end, place), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [bar.name for bar in bars])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(1, 1500)
    axes.set_xticks([1, 10, 100, 1000], ["1 x", "10 x", "100 x", "1000 x"])
    axes.set_xlabel("times the start of a bare Python interpreter (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
