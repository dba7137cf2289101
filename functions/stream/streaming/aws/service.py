"""One AWS service: signed requests to it, and its errors by the names that `inference.upstream` knows."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from streaming.aws.http_client import Answer, ConnectError, Exchange, HttpClient, HttpError
from streaming.aws.signature import Credentials, Signer
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream


class Endpoint(Protocol):
    """What an operation needs of its service."""

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[Answer]:
        """A request to be sent by `async with`, which gives its answer; raises HttpError if there is none."""


class Service:
    """A service's endpoint in one Region; `signing_name` is what its signatures are scoped to."""

    def __init__(self, url: str, signing_name: str, region: str, credentials: Credentials) -> None:
        self._client = HttpClient(url)
        self._signer = Signer(signing_name, region, credentials)

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """A signed request; `headers` have lower-case names."""
        headers = {"host": self._client.host, **headers}
        return self._client.post(path, self._signer.sign(path, headers, body, time.time()), body)

    def close(self) -> None:
        """Drop the kept connections."""
        self._client.close()


def connection_failure(error: HttpError) -> ApiError:
    """The answer to a request that got none."""
    return from_upstream("EndpointConnectionError" if isinstance(error, ConnectError) else "ConnectionClosedError")


async def error_name(answer: Answer) -> str:
    """The name of the error in an answer other than success.

    It is in a header, or in the body, with or without a namespace before it and a URL after it; a load
    balancer's errors have none: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
    """
    name = answer.headers.get("x-amzn-errortype") or _type_in(await answer.read())
    if name:
        return name.split(":")[0].rpartition("#")[2]
    if answer.status == 429:
        return "ThrottlingException"
    return "ServiceUnavailableException" if answer.status >= 500 else f"HTTP {answer.status}"


def _type_in(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    name = document.get("__type") or document.get("code") if isinstance(document, dict) else None
    return name if isinstance(name, str) else ""
