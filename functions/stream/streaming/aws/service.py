"""Sends signed requests to an AWS service, and names its errors as `failures/upstream.py` of the layer knows them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from streaming.aws.connections import ConnectError, HttpError
from streaming.aws.http_client import HttpClient
from streaming.aws.http_response import HttpResponse
from streaming.aws.signature import Credentials, Signer
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.failures.upstream import from_upstream
from tollgate_layer.inference.json_text import parse_json


class Endpoint(Protocol):
    """Where an operation sends its requests: a `Service`, or bytes from a script in tests."""

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[HttpResponse]:
        """Send a POST on entering the context, and yield its response as soon as the headers are there.

        Raises:
            HttpError: there is no response.
        """


class Service:
    """The endpoint of one AWS service in one Region. `signing_name` is the service's name in signatures."""

    def __init__(self, url: str, signing_name: str, region: str, credentials: Credentials) -> None:
        self._client = HttpClient(url)
        self._signer = Signer(signing_name, region, credentials)

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[HttpResponse]:
        """Sign and send a POST, see `Endpoint.post`. Names of `headers` are in lower case."""
        headers = {"host": self._client.host, **headers}
        signed_headers = self._signer.sign(path, headers, body, time.time())
        return self._client.post(path, signed_headers, body)


def connection_failure(error: HttpError) -> ApiError:
    """Return the failure to report for a request that got no response."""
    if isinstance(error, ConnectError):
        return from_upstream("EndpointConnectionError")
    return from_upstream("ConnectionClosedError")


class ServiceFailure(NamedTuple):
    """An error that a service answered with: its name, and its sentence, "" where it has none."""

    name: str
    message: str


async def read_failure(response: HttpResponse) -> ServiceFailure:
    """Read the error in a response other than success.

    The name is in a header or in the body. There may be a namespace before it and a URL after it, as in
    `aws.protocoltests#FooError:http://internal.amazon.com/`. A load balancer's own errors have no name: they get the
    one that the service would use for the status.
    https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
    """
    document = _object_in(await response.read())
    name = response.headers.get("x-amzn-errortype") or _text(document, "__type") or _text(document, "code")
    message = _text(document, "message") or _text(document, "Message")
    if name:
        without_url = name.split(":")[0]
        return ServiceFailure(without_url.rpartition("#")[2], message)
    if response.status == 429:
        return ServiceFailure("ThrottlingException", message)
    if response.status >= 500:
        return ServiceFailure("ServiceUnavailableException", message)
    return ServiceFailure(f"HTTP {response.status}", message)


def _object_in(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds, empty if it holds none."""
    try:
        document = parse_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    return value if isinstance(value, str) else ""
