"""The limit on the data that a state machine carries from state to state."""

from __future__ import annotations

import json
from typing import Any

from tollgate.emulators.step_functions.errors import DATA_LIMIT_EXCEEDED, StateError

DATA_LIMIT_BYTES = 256 * 1024
"""The most that an execution's input, a state's input or output, or a variable may have.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""


def check_size(value: Any, what: str) -> None:
    """Raises StateError (`States.DataLimitExceeded`) where a value has more than that as JSON; `what` names it."""
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > DATA_LIMIT_BYTES:
        cause = f"The state's {what} of {size} bytes exceed the maximum of {DATA_LIMIT_BYTES} bytes."
        raise StateError(DATA_LIMIT_EXCEEDED, cause)
