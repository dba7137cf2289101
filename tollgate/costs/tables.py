"""The cost model's tables, as the command line prints them and docs/performance.md shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate.costs import (
    CUSTOM_MODEL_UNIT_MINUTE,
    INSTANCE_HOUR,
    Load,
    always_on,
    break_even,
    model_windows,
    step_path,
    stream_path,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollgate.tables import Row


def per_million(seconds: Sequence[float], rates: Sequence[float]) -> list[Row]:
    """US dollars per million requests of each path and of the always-on alternatives, by seconds per answer."""
    loads = [Load(each) for each in seconds]
    rows = [("USD per million requests", *(f"{each:g} s" for each in seconds))]
    rows.append(("**step path** (`/v1`)", *(_usd(total(step_path(load))) for load in loads)))
    rows.append(("**stream path** (`/stream/v1`)", *(_usd(total(stream_path(load))) for load in loads)))
    for rate in rates:
        lines = always_on(rate)
        rows.append((f"always on: {lines[0].name}, {rate:g} requests/s", *(_usd(total(lines)) for _ in loads)))
    rows.append(("always on is cheaper from", *(f"{break_even(step_path(load)):.1f} requests/s" for load in loads)))
    return rows


def parts(seconds: Sequence[float]) -> list[Row]:
    """What each path's total is made of."""
    rows = [("USD per million requests", *(f"{each:g} s" for each in seconds))]
    for path, prefix in ((step_path, "step"), (stream_path, "stream")):
        every = [path(Load(each)) for each in seconds]
        rows += [
            (f"{prefix}: {line.name}", *(_usd(lines[index].usd) for lines in every))
            for index, line in enumerate(every[0])
        ]
    return rows


def model(gpu: str = "ml.g6e.xlarge") -> list[Row]:
    """US dollars per hour of the model itself, by the share of 5-minute windows in which it answers anything."""
    shares = (0.01, 0.1, 0.25, 0.5, 1)
    rows = [("USD per hour of one copy", *(f"{share:.0%} of windows" for share in shares))]
    for units in (1, 2):
        name = f"Custom Model Import, {units} unit{'s' * (units > 1)} at ${CUSTOM_MODEL_UNIT_MINUTE} a minute"
        rows.append((name, *(_usd(model_windows(units=units, active_share=share)) for share in shares)))
    rows.append((f"{gpu}, always on", *(_usd(INSTANCE_HOUR[gpu]) for _ in shares)))
    return rows


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"
