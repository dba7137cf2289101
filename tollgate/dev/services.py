"""moto's DynamoDB and S3 on loopback, and plain calls to them and to the embedded Bedrock.

The calls are HTTP by hand, not boto3, because the runner stands where the service's own caller stands: it must see the
status and the error as they are, with neither retries nor parameter validation before them.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import urllib3

from tollgate.stack import REGION, Stack

_TABLE_PROPERTIES = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema",
                     "LocalSecondaryIndexes", "ProvisionedThroughput")  # fmt: skip
_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """A service's answer: the error's name, where it is one, as the service spells it."""

    status: int
    body: bytes
    error: str | None
    request_id: str

    @property
    def message(self) -> str:
        """What the service says about the error."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return self.body.decode(errors="replace")
        return str(document.get("message") or document.get("Message") or "")


class ServiceUnreachableError(Exception):
    """When the connection fails or the answer breaks off."""


class ServiceCaller:
    """Sends requests to one endpoint over kept connections."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, retries=False)
        credential = f"local/20260101/{REGION}/{service}/aws4_request"
        # Unsigned, but with a scope: moto and the embedded Bedrock read the service and the Region from it.
        self._authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=local"

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout_s: float) -> ServiceAnswer:
        """Raises TimeoutError and ServiceUnreachableError."""
        try:
            response = self._pool.request(
                "POST",
                self._url + path,
                body=body,
                headers={**headers, "Authorization": self._authorization},
                timeout=urllib3.Timeout(total=max(timeout_s, 0.001)),
            )
        except urllib3.exceptions.TimeoutError:
            raise TimeoutError from None
        except urllib3.exceptions.HTTPError as error:
            raise ServiceUnreachableError(str(error)) from error
        return ServiceAnswer(
            response.status, response.data, _error_name(response), response.headers.get("x-amzn-requestid", "")
        )

    def close(self) -> None:
        """Drop the kept connections."""
        self._pool.clear()


class DynamoDb:
    """DynamoDB's actions, by name, with JSON in and out."""

    def __init__(self, url: str) -> None:
        self._caller = ServiceCaller(url, "dynamodb")

    def call(self, action: str, body: bytes, timeout_s: float = 10.0) -> ServiceAnswer:
        """Raises TimeoutError and ServiceUnreachableError."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{action}"}
        return self._caller.post("/", body, headers, timeout_s)

    def request(self, action: str, arguments: dict[str, Any]) -> None:
        """Send what must not fail.

        Raises:
            RuntimeError: it failed.
        """
        answer = self.call(action, json.dumps(arguments).encode())
        if answer.error is not None:
            raise RuntimeError(f"DynamoDB's {action} failed: {answer.error}: {answer.message}")

    def close(self) -> None:
        """Drop the kept connections."""
        self._caller.close()


class BedrockRuntime:
    """InvokeModel."""

    def __init__(self, url: str) -> None:
        self._caller = ServiceCaller(url, "bedrock")

    def invoke_model(
        self, model_id: str, body: bytes, content_type: str, accept: str, timeout_s: float
    ) -> ServiceAnswer:
        """Raises TimeoutError and ServiceUnreachableError."""
        headers = {"Content-Type": content_type, "Accept": accept}
        return self._caller.post(f"/model/{quote(model_id, safe='')}/invoke", body, headers, timeout_s)

    def close(self) -> None:
        """Drop the kept connections."""
        self._caller.close()


class Moto:
    """moto's server in threads of this process, with the stack's tables and buckets in it."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self._tables: list[str] = []

    def create_tables(self, stack: Stack, dynamodb: DynamoDb) -> None:
        """Create the tables that the template declares."""
        for table in stack.resources("AWS::DynamoDB::Table").values():
            properties = {name: table.properties[name] for name in _TABLE_PROPERTIES if name in table.properties}
            dynamodb.request("CreateTable", {"TableName": table.name, **properties})
            self._tables.append(table.name)

    def close(self, dynamodb: DynamoDb) -> None:
        """Delete the tables, which are the process's and not the server's, and stop the server."""
        for name in self._tables:
            dynamodb.request("DeleteTable", {"TableName": name})
        dynamodb.close()
        # It polls every half second; nothing waits for that.
        threading.Thread(target=self._server.stop, daemon=True).start()


def _error_name(response: urllib3.BaseHTTPResponse) -> str | None:
    if response.status < 400:
        return None
    name = response.headers.get("x-amzn-errortype")
    if name is None:
        try:
            name = json.loads(response.data).get("__type", "UnknownError")
        except (ValueError, AttributeError):
            name = "UnknownError"
    return str(name).split(":")[0].rsplit("#", 1)[-1]
