"""Signs requests without a query by AWS Signature Version 4.

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
    """AWS credentials. Those of a role are temporary and come with a session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


class Signer:
    """Signs requests to one service in one Region. `service` is the service's name in signatures."""

    def __init__(self, service: str, region: str, credentials: Credentials) -> None:
        self._service = service
        self._region = region
        self._credentials = credentials

    def sign(self, path: str, headers: Mapping[str, str], body: bytes, now: float) -> dict[str, str]:
        """Return the headers of a POST together with those that sign it. `now` is in seconds since the epoch.

        All `headers` are signed; their names are in lower case and include `host`. `path` is as it goes over the
        wire, percent-encoded and without dot segments.
        """
        time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        date = time[:8]
        signed = {**headers, "x-amz-date": time}
        if self._credentials.session_token:
            signed["x-amz-security-token"] = self._credentials.session_token
        names = ";".join(sorted(signed))
        scope = f"{date}/{self._region}/{self._service}/aws4_request"
        canonical_request = _canonical_request(path, signed, names, body)
        text = f"{_ALGORITHM}\n{time}\n{scope}\n{_sha256(canonical_request)}"
        key = _signing_key(self._credentials.secret_access_key, date, self._region, self._service)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self._credentials.access_key_id}/{scope}"
        signed["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return signed


def _canonical_request(path: str, headers: Mapping[str, str], names: str, body: bytes) -> bytes:
    """Return the text of which the signature holds a hash; `names` are those of the signed headers.

    Runs of spaces in a header's value count as one. The path is percent-encoded a second time, as for every service
    but S3. The empty part is the query.
    """
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in names.split(";")]
    parts = ["POST", quote(path, safe="/~"), "", *lines, "", names, _sha256(body)]
    return "\n".join(parts).encode()


@lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derive the key, which stays the same for a day: hence the cache, of two services and a change of day."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
