"""Every failure has one response: the table of error codes.

    ApiError                 a failure that has its response: code, message, param
      RequestError           the client's request is at fault
      AnswerError            the model's answer cannot be read

`ERRORS` maps a code to its status and type; `upstream.py` maps the names under which AWS services report a
failure to a code. Documentation is generated from both.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class ErrorKind(NamedTuple):
    """What one error code means: to a client, and to the retries of an invocation.

    `retry_after` is in seconds. `attempts` is how often one request invokes the model at most while it fails in this
    way; the time that the client waits is a limit beside it.
    """

    status: int
    type: str
    situation: str
    message: str
    retry_after: int | None = None
    attempts: int = 1


_REQUEST = "invalid_request_error"
_SERVER = "server_error"

ERRORS: dict[str, ErrorKind] = {
    "invalid_json": ErrorKind(400, _REQUEST, "not JSON, not an object", "The request body must be a JSON object."),
    "invalid_parameter": ErrorKind(
        400, _REQUEST, "missing, mistyped or out-of-range parameter", "A parameter is missing or not valid."
    ),
    "unsupported_parameter": ErrorKind(
        400, _REQUEST, "parameter that this model cannot honour", "This model cannot honour a parameter."
    ),
    "context_length_exceeded": ErrorKind(
        400, _REQUEST, "prompt does not fit", "The prompt does not fit into the model's context."
    ),
    "invalid_api_key": ErrorKind(
        401,
        "authentication_error",
        "no key, wrong key",
        "Send a valid API key as 'Authorization: Bearer KEY'.",
    ),
    "request_refused": ErrorKind(
        403,
        _REQUEST,
        "a firewall's rule, or API Gateway itself, for a reason of its own",
        "The request was refused before it reached a model.",
    ),
    "model_not_found": ErrorKind(404, _REQUEST, "unknown model", "The model does not exist."),
    "not_found": ErrorKind(
        404,
        _REQUEST,
        "unknown route",
        "There is nothing at this path. The base URL of an OpenAI client ends in /v1 or /stream/v1.",
    ),
    "method_not_allowed": ErrorKind(405, _REQUEST, "unknown method", "This path does not take this method."),
    "request_too_large": ErrorKind(
        413,
        _REQUEST,
        "body over the path's limit",
        "The request is too large for this base URL: send it to the streaming base URL, "
        "which ends in /stream/v1 and takes larger requests.",
    ),
    "unsupported_media_type": ErrorKind(
        415, _REQUEST, "not application/json", "Send the request as 'Content-Type: application/json'."
    ),
    "rate_limit_exceeded": ErrorKind(
        429,
        "rate_limit_error",
        "the key's rate or quota",
        "This API key's rate limit or quota is used up.",
        5,
    ),
    "model_throttled": ErrorKind(
        429, "rate_limit_error", "the model is throttled", "The model receives too many requests at once.", 5
    ),
    "model_not_ready": ErrorKind(
        503,
        _SERVER,
        "the model is cold and is being loaded",
        "The model was idle and is being loaded, which takes up to a few minutes: try again.",
        15,
        attempts=100,
    ),
    "model_unavailable": ErrorKind(
        503,
        _SERVER,
        "the model's service cannot answer now",
        "The model is not available now: try again.",
        5,
        attempts=3,
    ),
    "model_error": ErrorKind(
        502,
        _SERVER,
        "the model failed, or its answer cannot be read",
        "The model did not give a usable answer.",
    ),
    "model_misconfigured": ErrorKind(
        502, _SERVER, "record at fault, model gone, or access to it denied", "This model is not set up correctly."
    ),
    "timeout": ErrorKind(504, _SERVER, "model or path took too long", "The model took too long to answer."),
    "model_rejected_request": ErrorKind(
        400,
        _REQUEST,
        "the model's service refused the request",
        "The model refused the request as not valid.",
    ),
    "refused_by_hook": ErrorKind(
        400, _REQUEST, "a rule of the team's own code", "The request was refused by a rule of this model's owner."
    ),
    "hook_failed": ErrorKind(
        502,
        _SERVER,
        "the team's own code around the model failed",
        "The code around this model failed.",
    ),
    "internal_error": ErrorKind(500, _SERVER, "anything else", "Something went wrong on our side."),
}


FALLS_BACK = frozenset(
    {"model_not_ready", "model_throttled", "model_unavailable", "model_error", "model_misconfigured"}
)
"""Failures of a variant for which another one may answer, where its record names one: not the client's, nor when
time is up. The state machine knows them by their names upstream."""


class ApiError(Exception):
    """A failure that has its response; `message` is safe to show to the client.

    `variant` is the model's variant for which a request was being prepared, None where none was chosen yet.
    """

    variant: str | None = None

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        param: str | None = None,
        upstream: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.kind = ERRORS[code]
        self.code = code
        self.message = message or self.kind.message
        self.param = param
        self.upstream = upstream
        self.retry_after = self.kind.retry_after if retry_after is None else retry_after
        super().__init__(self.message)

    @property
    def retry_after_header(self) -> str:
        """The value of the header Retry-After; empty where the answer has none."""
        return "" if self.retry_after is None else str(self.retry_after)

    def body(self, request_id: str) -> dict[str, Any]:
        """OpenAI's error object, with the request id that finds the failure in the logs."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind.type,
                "param": self.param,
                "code": self.code,
                "request_id": request_id,
            }
        }


class RequestError(ApiError):
    """Raised when the client's request is at fault."""


class AnswerError(ApiError):
    """Raised when the model's answer does not have its format's shape."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__("model_error", message)
