"""The cost of the embedded Bedrock's models, as AWS would bill them: five-minute windows per model copy.

https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
"""

from __future__ import annotations

from dataclasses import dataclass

from tollgate.costs import prices
from tollgate.costs.prices import CUSTOM_MODEL_WINDOW_MINUTES

_WINDOW_SECONDS = CUSTOM_MODEL_WINDOW_MINUTES * 60


@dataclass(slots=True)
class WindowCounter:
    """Counts the billed windows of one model copy.

    The first window begins with its first invocation. A window with any use is billed whole.
    """

    count: int = 0
    _started_at: float | None = None
    _last_window: int = -1

    def use(self, now: float, *, since_last: bool = False) -> None:
        """Note that the model copy is in use at `now`, in seconds that never go back.

        `since_last` says that it was in use all the time since it was noted last, as by a long stream: the windows in
        between are billed too.
        """
        if self._started_at is None:
            self._started_at = now
        window = int((now - self._started_at) // _WINDOW_SECONDS)
        if window > self._last_window:
            self.count += window - self._last_window if since_last else 1
            self._last_window = window


def cost(windows: int, custom_model_units: int) -> float:
    """US dollars, without storage, for windows of model copies that have so many custom model units each."""
    return windows * CUSTOM_MODEL_WINDOW_MINUTES * custom_model_units * prices.CUSTOM_MODEL_UNIT_MINUTE
