"""Draw the template's dashboard over simulated metrics of one day: python -m scripts.draw_dashboard

The picture is docs/dashboard.png. Widgets, titles, metrics and expressions are the template's; the numbers are made up
here: a working day of two models, one of which is cold in the morning and gets a worse variant at noon.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from tollgate.stack import Stack

mpl.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "dashboard.png"
Series = NDArray[np.float64]
RANDOM = np.random.default_rng(7)
HOURS = np.arange(288) / 12
WORKDAY = np.exp(-(((HOURS - 13.5) / 3.2) ** 4))
NOON = HOURS >= 12
SEARCH = re.compile(r"SEARCH\('(?:\{[^}]*\}|Namespace=\S+)[^']*MetricName=\"(\w+)\"', '(\w+)', 300\)")


def count(mean: Series | float) -> Series:
    """Events in each five minutes, of which so many are expected."""
    return RANDOM.poisson(np.broadcast_to(mean, HOURS.shape)).astype(float)


def simulate() -> dict[str, dict[str, Series]]:
    """Name of a metric → its series, by what tells them apart; no number is where nothing was counted."""
    pings = np.where((HOURS % 0.25 < 0.01) & (HOURS > 9) & (HOURS < 18), 1.0, 0.0)
    stable, canary, other = count(90 * WORKDAY), count(10 * WORKDAY * NOON), count(14 * WORKDAY)
    cold = count(6.0 * ((HOURS > 9.2) & (HOURS < 9.6)))
    throttled, mistakes = count(2.0 * (WORKDAY > 0.985)), count(1.5 * WORKDAY)
    failed = {"apexguru v1": count(0.2 * WORKDAY), "apexguru v2": count(1.2 * WORKDAY * NOON)}
    broken = failed["apexguru v1"] + failed["apexguru v2"]
    noise = RANDOM.normal(1, 0.06, HOURS.shape)
    asked = np.where(stable > 0, 1, np.nan) * noise
    slow = 1 + 6 * (cold > 0)
    late, hourly = np.where(NOON, 1, np.nan), np.where(HOURS % 1 == 0, 1, np.nan)
    codes = {
        "invalid_parameter": mistakes,
        "model_not_ready": cold,
        "model_throttled": throttled,
        "model_error": broken,
    }
    return {
        "Count": {"": stable + canary + other + mistakes + cold},
        "4XXError": {"": mistakes + throttled},
        "5XXError": {"": cold + broken},
        "Failures/code": codes,
        "Failures/variant": failed,
        "KeepWarmPings": {"": pings},
        "Requests": {"apexguru v1": stable, "apexguru v2": canary, "support v1": other},
        "ModelTime": {"apexguru v1": 1.9 * asked, "apexguru v2": 1.5 * asked * late, "support v1": 0.9 * asked},
        "PromptTokens": {"apexguru": 900 * (stable + canary), "support": 350 * other},
        "CompletionTokens": {"apexguru": 160 * (stable + canary), "support": 90 * other},
        "Invocations": {"apexguru": stable + canary + pings, "support": other},
        "InvocationLatency": {"apexguru": 1900 * asked, "support": 900 * asked},
        "Latency": {"": 1980 * asked * slow},
        "ModelCopy": {"apexguru": (stable > 0) * (1.0 + (WORKDAY > 0.9)), "support": 1.0 * (other > 0)},
        **{name: {"": np.zeros(288)} for name in ("Errors", "Throttles")},
        "ConcurrentExecutions": {"": count(4 * WORKDAY)},
        **{name: {"": seconds * asked * slow} for name, seconds in (("p50", 0.4), ("p95", 0.9), ("p99", 1.6))},
        "cold_starts": {"": count(3 * WORKDAY + 0.3) * hourly},
        "p95_s": {"": 0.33 * noise * hourly},
    }


def searched(name: str, dimensions: str) -> str:
    """The key in `simulate` of a metric that two sets of dimensions have."""
    if name == "Failures":
        return "Failures/variant" if "variant" in dimensions else "Failures/code"
    return name


def spread(series: Series, statistic: str) -> Series:
    """A percentile of a metric of which the simulation holds the median."""
    return series * {"p90": 1.4, "p95": 1.7, "p99": 2.6}.get(statistic, 1.0)


def lines(widget: dict[str, Any], data: dict[str, dict[str, Series]]) -> list[tuple[str, Series, bool]]:
    """The series of a widget: label, numbers, and whether their axis is the right one."""
    if widget["type"] == "log":
        columns = re.findall(r" as (\w+)", widget["properties"]["query"].split("| stats")[1])
        return [(column, data[column][""], False) for column in columns]
    drawn: list[tuple[str, Series, bool]] = []
    known: dict[str, Any] = {"np": np, "data": data, "SUM": lambda found: np.sum(found, axis=0), "CEIL": np.ceil}
    metric = ""
    for *names, options in widget["properties"]["metrics"]:
        label = re.sub(r"\$\{[^}]*\}\s?", "", options["label"]).strip()
        expression = options.get("expression")
        if expression is None:
            metric = metric if names[0] == "..." else searched(names[1], "")
            series = data[metric].get(names[-1], next(iter(data[metric].values())))
            drawn.append((label, spread(series, options.get("stat", "")), False))
        elif search := SEARCH.fullmatch(expression):
            for name, series in data[searched(search[1], expression)].items():
                drawn.append((f"{label} {name}".strip(), spread(series, search[2]), False))
        else:
            text = SEARCH.sub(lambda match: f"np.array(list(data[{match[1]!r}].values()))", expression)
            known[options["id"]] = eval(text, known)  # the template's own text
            drawn.append((label, known[options["id"]], options.get("yAxis") == "right"))
    return drawn


def draw(widgets: list[dict[str, Any]]) -> None:
    """Draw every widget at its place in the grid of 24 columns."""
    data = simulate()
    rows = max(widget["y"] + widget["height"] for widget in widgets)
    figure = plt.figure(figsize=(18, rows * 0.55))
    for widget in widgets:
        properties = widget["properties"]
        left, top = widget["x"] / 24, 1 - widget["y"] / rows
        height = widget["height"] / rows
        axes = figure.add_axes((left + 0.035, top - height + 0.022, widget["width"] / 24 - 0.055, height - 0.05))
        axes.set_title(properties.get("title", ""), fontsize=10, loc="left")
        if widget["type"] in ("text", "alarm"):
            said = properties.get("markdown") or "     ".join(
                arn.split(":")[-1] + ": OK" for arn in properties["alarms"]
            )
            said = re.sub(r"[*`]+|## ", "", said).replace("$", r"\$")
            said = "\n".join(textwrap.fill(line, 210) for line in said.splitlines())
            axes.text(0, 1, said, fontsize=10, va="top")
            axes.axis("off")
            continue
        below = np.zeros(288)
        for number, (label, series, right) in enumerate(lines(widget, data)):
            where = axes.twinx() if right else axes
            heights = below + series
            if properties.get("stacked"):
                axes.fill_between(HOURS, below, heights, color=f"C{number}", alpha=0.5)
                below = heights
            where.plot(
                HOURS, heights, linewidth=1, color=f"C{number}", marker="." if "bin(1h)" in str(properties) else ""
            )
            axes.plot([], [], color=f"C{number}", label=label)
        axes.legend(fontsize=7, loc="upper left", framealpha=0.6)
        axes.set_xlim(6, 20)
        for each in {axes, where}:
            each.set_ylim(bottom=0)
    figure.savefig(FILE, dpi=70)


def main() -> None:
    stack = Stack.load(ROOT / "template.yaml", {"Dashboard": "true"})
    (dashboard,) = stack.resources("AWS::CloudWatch::Dashboard").values()
    draw(json.loads(dashboard.properties["DashboardBody"])["widgets"])


if __name__ == "__main__":
    main()
