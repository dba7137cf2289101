"""Prices of Custom Model Import in us-east-1, in US dollars, read in November 2026. tollgate/costs reads them here.

https://aws.amazon.com/bedrock/pricing/
"""

from __future__ import annotations

CUSTOM_MODEL_UNIT_MINUTE = 0.05718
"""One custom model unit, version 1.0."""
CUSTOM_MODEL_UNIT_STORAGE_MONTH = 1.95
"""Storage of an imported model, for each of its custom model units."""
CUSTOM_MODEL_WINDOW_MINUTES = 5
"""Imported models are billed by windows of this length, counted for each model copy.

https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
"""
WINDOW_USD = CUSTOM_MODEL_UNIT_MINUTE * CUSTOM_MODEL_WINDOW_MINUTES
"""One window of one custom model unit."""
