"""AWS Signature Version 4 for requests without a query.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Of the function's role; Lambda gives them as environment variables."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


class Signer:
    """Signs requests to one service in one Region."""

    def __init__(self, service: str, region: str, credentials: Credentials) -> None:
        self._service = service
        self._region = region
        self._credentials = credentials

    def sign(self, path: str, headers: Mapping[str, str], body: bytes, now: float) -> dict[str, str]:
        """The headers of a POST, with those that sign it; `now` is in seconds since the epoch.

        `headers` have lower-case names and include `host`; `path` is as it goes over the wire,
        without dot segments.
        """
        time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {**headers, "x-amz-date": time}
        if self._credentials.session_token:
            signed["x-amz-security-token"] = self._credentials.session_token
        names = ";".join(sorted(signed))
        scope = f"{time[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{time}\n{scope}\n{_sha256(_canonical(path, signed, names, body))}"
        key = _signing_key(self._credentials.secret_access_key, *scope.split("/"))
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self._credentials.access_key_id}/{scope}"
        signed["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return signed


def _canonical(path: str, headers: Mapping[str, str], names: str, body: bytes) -> bytes:
    """The canonical request; every service but S3 encodes the path a second time."""
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in names.split(";")]
    parts = ["POST", quote(path, safe="/~"), "", *lines, "", names, _sha256(body)]
    return "\n".join(parts).encode()


@lru_cache(maxsize=8)
def _signing_key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
