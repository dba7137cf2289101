"""The cost model's tables, as the command line prints them and docs/performance.md shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate.costs import prices
from tollgate.costs.formula import (
    Load,
    Upkeep,
    always_on,
    break_even,
    model_windows,
    standing,
    step_path,
    stream_path,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollgate.costs.formula import Line
    from tollgate.text_tables import Row


def per_million(seconds: Sequence[float], rates: Sequence[float]) -> list[Row]:
    """US dollars per million requests of each path and of the always-on alternatives, by seconds per answer."""
    loads = [Load(each) for each in seconds]
    steps = [step_path(load) for load in loads]
    streams = [stream_path(load) for load in loads]
    rows = [
        _columns(seconds),
        ("**step path** (`/v1`)", *map(_total, steps)),
        ("**stream path** (`/stream/v1`)", *map(_total, streams)),
    ]
    for rate in rates:
        instances = always_on(rate)
        # Instances cost the same however long an answer takes, hence one value in all columns.
        values = (_total(instances),) * len(loads)
        rows.append((f"always on: {instances[0].name}, {rate:g} requests/s", *values))
    rows.append(("always on is cheaper from", *(f"{break_even(lines):.1f} requests/s" for lines in steps)))
    return rows


def parts(seconds: Sequence[float]) -> list[Row]:
    """The lines that each path's total is made of."""
    rows = [_columns(seconds)]
    for path, prefix in ((step_path, "step"), (stream_path, "stream")):
        columns = [path(Load(each)) for each in seconds]
        rows += [
            (f"{prefix}: {line[0].name}", *(_usd(cell.usd) for cell in line)) for line in zip(*columns, strict=True)
        ]
    return rows


def model(gpu: str = "ml.g6e.xlarge") -> list[Row]:
    """US dollars per hour of the model itself, by the share of 5-minute windows in which it answers anything."""
    shares = (0.01, 0.1, 0.25, 0.5, 1)
    rows = [("USD per hour of one model copy", *(f"{share:.0%} of windows" for share in shares))]
    for units, noun in ((1, "unit"), (2, "units")):
        name = f"Custom Model Import, {units} {noun} at ${prices.CUSTOM_MODEL_UNIT_MINUTE} a minute"
        rows.append((name, *(_usd(model_windows(units=units, active_share=share)) for share in shares)))
    rows.append((f"{gpu}, always on", *(_usd(prices.INSTANCE_HOUR[gpu]),) * len(shares)))
    return rows


def per_month(models: Sequence[int] = (1, 5, 19)) -> list[Row]:
    """US dollars per month of what exists, without the requests: idle, and with some to each model in every hour."""
    upkeeps = {}
    for count in models:
        noun = "model" if count == 1 else "models"
        upkeeps[f"{count} {noun}, idle"] = Upkeep(models=count, hours_in_use=0)
        upkeeps[f"{count} {noun}, in use"] = Upkeep(models=count)
    columns = [standing(upkeep) for upkeep in upkeeps.values()]
    rows: list[Row] = [("USD per month", *upkeeps)]
    rows += [(line[0].name, *(_usd(cell.usd) for cell in line)) for line in zip(*columns, strict=True)]
    rows.append(("in all", *map(_total, columns)))
    return rows


def _columns(seconds: Sequence[float]) -> Row:
    return ("USD per million requests", *(f"{each:g} s" for each in seconds))


def _total(lines: list[Line]) -> str:
    return _usd(total(lines))


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"
