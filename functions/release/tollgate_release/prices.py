"""AWS's published prices: prices.json has each of them once, with its source and when it was read.

What a release needs of them are the prices of Custom Model Import; tollgate/costs reads the rest of the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices.json")
_UNITS = {"million": 1e6, "GB-hour": 3600.0}
"""Prices that are for so many of what the code counts: requests, and gigabyte-seconds."""


class PricesError(Exception):
    """Raised when a file of prices is none; the message is a sentence."""


def read_prices(file: Path) -> dict[str, float]:
    """The prices in a file, in US dollars for one request, gigabyte, second, hour or month, by name.

    Raises:
        PricesError: the file has another shape.
    """
    try:
        table: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["prices"]
        return {name: float(row["usd"]) / _UNITS.get(row["per"], 1.0) for name, row in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = 'it must be {"prices": {NAME: {"usd": …, "per": …, "source": …, "read": …}}}'
        raise PricesError(f"{file} is no file of prices: {reason}") from error


_PRICES = read_prices(FILE)

CUSTOM_MODEL_UNIT_MINUTE = _PRICES["CUSTOM_MODEL_UNIT_MINUTE"]
"""One custom model unit, version 1.0."""
CUSTOM_MODEL_UNIT_STORAGE_MONTH = _PRICES["CUSTOM_MODEL_UNIT_STORAGE_MONTH"]
"""Storage of an imported model, for each of its custom model units."""
CUSTOM_MODEL_WINDOW_MINUTES = 5
"""Imported models are billed by windows of this length, counted for each model copy.

https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
"""
WINDOW_USD = CUSTOM_MODEL_UNIT_MINUTE * CUSTOM_MODEL_WINDOW_MINUTES
"""One window of one custom model unit."""
