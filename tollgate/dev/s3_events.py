"""Events of the local S3: `Object Created`, for buckets that tell EventBridge of their objects.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

from tollgate.account import ACCOUNT_ID, REGION

WsgiApp = Callable[..., Any]


def watched(
    app: WsgiApp, buckets: set[str], prepare: Callable[[str], None], on_event: Callable[[dict[str, Any]], None]
) -> WsgiApp:
    """A WSGI application that tells of each object that S3 has taken into one of the buckets.

    Args:
        app: moto's application.
        buckets: the names of the buckets; they may be added later.
        prepare: is told of the first part of each request's path, before the request is answered.
        on_event: is told after the answer was made.
    """

    def watching(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        prepare(environ.get("PATH_INFO", "").lstrip("/").partition("/")[0])
        written = _written_object(environ, buckets)
        if written is None:
            return app(environ, start_response)  # type: ignore[no-any-return]
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *more)

        answer = list(app(environ, start))
        if statuses and statuses[0].startswith("2"):
            on_event(_event(*written))
        return answer

    return watching


def _written_object(environ: dict[str, Any], buckets: set[str]) -> tuple[str, str] | None:
    """The bucket and key that a request writes, if it does: a PUT of an object, or the end of a multipart upload."""
    bucket, _, key = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    if bucket not in buckets or not key:
        return None
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    is_object = environ["REQUEST_METHOD"] == "PUT" and not {"partNumber", "tagging", "acl"} & set(query)
    is_upload = environ["REQUEST_METHOD"] == "POST" and "uploadId" in query
    return (bucket, unquote(key)) if is_object or is_upload else None


def _event(bucket: str, key: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT_ID,
        "region": REGION,
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": {"key": key}},
    }
