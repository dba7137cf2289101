"""What goes wrong in a model's life, as one exception with a sentence for people and an exit code for pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate_release.exit_codes import ExitCode

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403")


class Problem(Exception):  # noqa: N818 -- not a bug, but an end that was foreseen
    """Raised when something cannot be done; the text says what and why, and what to do.

        raise Problem("apexguru is no model of this stack.", ExitCode.USAGE)

    Attributes:
        exit_code: how a command that meets it ends.
        result: how a release that meets it ends.
    """

    def __init__(self, message: str, exit_code: ExitCode, result: str = "failed") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.result = result


class RecordChanged(Problem):
    """Raised when a record was changed between reading and writing; nothing was overwritten."""

    def __init__(self, model: str, expected: int, found: int | None, by: str = "somebody") -> None:
        now = "it is gone" if found is None else f"it has revision {found}, written by {by}"
        super().__init__(
            f"The record of {model} was changed meanwhile: expected revision {expected}, now {now}. "
            "Nothing was overwritten. Look at it: tollgate record get " + model,
            ExitCode.CHANGED,
        )


class RecordBeingReleased(Problem):
    """Raised when a record may not be changed, because a release moves its weights; `state` is how far it is."""

    def __init__(self, model: str, release: str, state: str = "") -> None:
        super().__init__(
            f"{model} is being released: {release}{f', {state}' if state else ''}. "
            f"Follow it: tollgate status {model}. Stop it: tollgate abort {model}",
            ExitCode.CHANGED,
        )


def code_of(error: ClientError) -> str:
    """An AWS error's name, as `AccessDeniedException`."""
    return str(error.response.get("Error", {}).get("Code", "UnknownError"))


def is_denied(error: ClientError) -> bool:
    """Whether AWS says that the permission is missing."""
    return code_of(error) in _DENIED


def aws_problem(error: ClientError, advice: str = "") -> Problem:
    """An AWS error as `ACTION: CODE: AWS's sentence`, and one line on what to do.

    A missing permission or a quota is an operator's to mend (exit code 8); of other errors nobody can say in general.
    """
    code = code_of(error)
    sentence = str(error.response.get("Error", {}).get("Message", "")) or "no further words"
    text = f"{error.operation_name}: {code}: {sentence}"
    exit_code = ExitCode.UNEXPECTED
    if is_denied(error):
        exit_code = ExitCode.PERMISSION
        advice = advice or f"Allow whoever runs this the action {error.operation_name}; docs/deploy.md has the policy."
    elif "Quota" in code or "LimitExceeded" in code:
        exit_code = ExitCode.PERMISSION
    elif code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"):
        exit_code = ExitCode.USAGE
        advice = advice or "The credentials are not valid any more: log in again."
    return Problem(f"{text}\n{advice}" if advice else text, exit_code)


def error_details(error: ClientError) -> dict[str, Any]:
    """An AWS error's parts for a log line: no input of anybody's is in it."""
    return {"operation": error.operation_name, "code": code_of(error)}
