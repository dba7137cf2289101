"""The error names of Step Functions.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
RUNTIME = "States.Runtime"
TIMEOUT = "States.Timeout"

_ALL = "States.ALL"
_TASK_FAILED = "States.TaskFailed"
# States.ALL catches neither of them. The first is caught where it is named, the second is never caught.
_BEYOND_ALL = (DATA_LIMIT_EXCEEDED, RUNTIME)


class StateError(Exception):
    """Raised when a state fails with an error name that Retry and Catch can match."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class ExecutionTimedOutError(Exception):
    """Raised when an execution reaches its own time limit, which no state can catch."""


class ExecutionStoppedError(Exception):
    """Raised when an execution is stopped from outside, which no state can catch."""


def matches(error_equals: list[str], error: str) -> bool:
    """Whether a retrier's or catcher's ErrorEquals covers an error name."""
    if error == RUNTIME:
        return False
    if error in error_equals:
        return True
    if _ALL in error_equals:
        return error not in _BEYOND_ALL
    return _TASK_FAILED in error_equals and error not in (*_BEYOND_ALL, TIMEOUT)
