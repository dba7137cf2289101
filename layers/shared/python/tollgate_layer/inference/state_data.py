"""The size of what a function on the step path hands to Step Functions."""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.json_text import to_json

LARGEST_RESULT_BYTES = 256 * 1024 - 2048
"""The largest result of a function: what a state's may hold, less what Step Functions writes around it.

A result above the limit can be caught. One just below it is taken, and the execution then ends on the way to the next
state, where nothing can catch it. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""


def fits_into_a_state(result: Any) -> bool:
    """Whether a function's result, as JSON in UTF-8, is small enough to be a state's."""
    return len(to_json(result).encode("utf-8", "surrogatepass")) <= LARGEST_RESULT_BYTES
