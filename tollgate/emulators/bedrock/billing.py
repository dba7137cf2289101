"""What imported models cost: five-minute windows per model copy
(https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html).
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_SECONDS = 300
# US dollars per custom model unit (version v1.0) in us-east-1, read in September 2026
# (https://aws.amazon.com/bedrock/pricing/).
PRICE_PER_UNIT_MINUTE = 0.05718
STORAGE_PRICE_PER_UNIT_MONTH = 1.95


@dataclass(slots=True)
class Meter:
    """Counts a copy's windows: they begin with its first invocation, and one with any use is billed whole."""

    windows: int = 0
    _started_at: float | None = None
    _last_window: int = -1

    def use(self, now: float) -> None:
        """The copy is in use at `now`, seconds that never go back."""
        if self._started_at is None:
            self._started_at = now
        window = int((now - self._started_at) // WINDOW_SECONDS)
        if window > self._last_window:
            self.windows += 1
            self._last_window = window


def cost(windows: int, custom_model_units: int) -> float:
    """US dollars for so many windows of copies with so many custom model units each, without storage."""
    return windows * WINDOW_SECONDS / 60 * custom_model_units * PRICE_PER_UNIT_MINUTE
