"""The retries of one state: which retrier covers an error, and how long the next attempt waits.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.step_functions.errors import StateError, matches

if TYPE_CHECKING:
    from collections.abc import Callable


class Retries:
    """Counts the retries of one state that was entered, for each of its retriers.

    `retriers` is the state's `Retry`. `jitter` makes the wait of JitterStrategy FULL from the longest wait in seconds.
    """

    def __init__(self, retriers: list[dict[str, Any]], jitter: Callable[[float], float]) -> None:
        self._retriers = retriers
        self._jitter = jitter
        self._used = [0] * len(retriers)

    def wait_seconds(self, error: StateError) -> float | None:
        """The seconds until the next attempt, which counts from now on; None when no retrier is left for the error.

        Only the first retrier that covers the error is asked, as Step Functions does.
        """
        for index, retrier in enumerate(self._retriers):
            if matches(retrier["ErrorEquals"], error.error):
                used = self._used[index]
                if used >= retrier.get("MaxAttempts", 3):
                    return None
                self._used[index] += 1
                wait_s = float(retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** used)
                wait_s = min(wait_s, retrier.get("MaxDelaySeconds", wait_s))
                return self._jitter(wait_s) if retrier.get("JitterStrategy") == "FULL" else wait_s
        return None
