"""AWS's published prices for us-east-1 in US dollars, from the one file that has them, or from one in its place.

The file is functions/release/tollgate_release/prices.json: each price with its source and when it was read. Free tiers
and volume discounts are left out. `use` puts another file's prices in their place, for all who read `prices.NAME`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate_release.prices import CUSTOM_MODEL_WINDOW_MINUTES, FILE, PricesError, read_prices

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CUSTOM_MODEL_WINDOW_MINUTES"]

MILLION = 1_000_000

# One custom model unit of a model copy, by the minute, and its storage.
CUSTOM_MODEL_UNIT_MINUTE: float
CUSTOM_MODEL_UNIT_STORAGE_MONTH: float
# One request, one execution; gigabyte-seconds of memory.
API_GATEWAY_REQUEST: float
STEP_FUNCTIONS_REQUEST: float
STEP_FUNCTIONS_GB_SECOND: float
LAMBDA_REQUEST: float
LAMBDA_GB_SECOND: float
SNAPSTART_CACHE_GB_SECOND: float
SNAPSTART_RESTORE_GB: float
DYNAMODB_READ: float
TABLE_GB_MONTH: float
LOGS_GB: float
LOGS_GB_MONTH: float
ALARM_METRIC_MONTH: float
CUSTOM_METRIC_MONTH: float
DASHBOARD_MONTH: float
XRAY_TRACE: float
EGRESS_GB: float
INSTANCE_HOUR: dict[str, float]
"""SageMaker instances by name, by the hour."""

_INSTANCE = "INSTANCE_HOUR "


def use(file: Path | None = None) -> None:
    """Put a file's prices in place; those that it does not name stay as they were published. None puts all of these.

    Raises:
        PricesError: the file is none, or names a price that there is not.
    """
    published = read_prices(FILE)
    given = {} if file is None else read_prices(file)
    for name in given:
        if name not in published and not name.startswith(_INSTANCE):
            raise PricesError(f"{file}: there is no price {name}; there are {', '.join(published)}")
    instances = {}
    for name, usd in {**published, **given}.items():
        if name.startswith(_INSTANCE):
            instances[name.removeprefix(_INSTANCE)] = usd
        else:
            globals()[name] = usd
    globals()["INSTANCE_HOUR"] = instances


def window_usd() -> float:
    """One window of one custom model unit."""
    return CUSTOM_MODEL_UNIT_MINUTE * CUSTOM_MODEL_WINDOW_MINUTES  # noqa: F821 -- `use` sets it


use()
