"""What a move from SageMaker to imported models costs a month: before it, while both serve, and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tollgate.costs import prices
from tollgate.costs.formula import (
    HOURS_PER_MONTH,
    Load,
    Upkeep,
    hooks,
    model_windows,
    standing,
    step_path,
    total,
)
from tollgate.costs.prices import MILLION

if TYPE_CHECKING:
    from tollgate.text_tables import Row


class Move(NamedTuple):
    """A team's traffic and machines. The defaults are an example: an office's working hours."""

    requests: int = 100_000
    """Requests a month."""
    hours_in_use: float = 200
    """Hours of the month in which requests come; in these, all 5-minute windows have some."""
    seconds: float = 8
    """Time of one answer."""
    units: int = 1
    copies: float = 1
    gpu: str = "ml.g6e.xlarge"
    proxy: str = "ml.c5.large"
    """The instance that runs the team's script today, of which there are two."""


def months(move: Move) -> list[Row]:
    """US dollars a month by part, in three columns."""
    endpoint = prices.INSTANCE_HOUR[move.gpu] * HOURS_PER_MONTH
    proxies = 2 * prices.INSTANCE_HOUR[move.proxy] * HOURS_PER_MONTH
    windows = model_windows(units=move.units, copies=move.copies) * move.hours_in_use
    load = Load(move.seconds)
    path = total(step_path(load)) * move.requests / MILLION
    own_code = total(hooks(load)) * move.requests / MILLION
    kept = total(standing(Upkeep(units=move.units, hours_in_use=move.hours_in_use)))
    rows = {
        f"the endpoint, one {move.gpu}": (endpoint, endpoint, 0.0),
        f"the script on two {move.proxy}": (proxies, 0.0, 0.0),
        "the script as two hooks": (0.0, own_code, own_code),
        "Tollgate's path": (0.0, path, path),
        "the imported model's windows": (0.0, windows, windows),
        "storage, alarms, metrics, logs": (0.0, kept, kept),
    }
    sums = [sum(column) for column in zip(*rows.values(), strict=True)]
    table: list[Row] = [("USD a month", "before", "while both serve", "after")]
    for name, columns in rows.items():
        table.append((name, *map(_usd, columns)))
    table.append(("in all", *map(_usd, sums)))
    return table


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"
