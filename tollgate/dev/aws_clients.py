"""Plain HTTP calls to DynamoDB and Bedrock on this machine, as API Gateway and Step Functions make them.

They are not made with boto3, because the runner stands in the place of AWS's own services: it must see the status and
the error as they are, without an SDK's retries and parameter validation before them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import urllib3

from tollgate.account import ACCESS_KEY, REGION

_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """A service's answer; `error` is the error's name as the service spells it, None for a success."""

    status: int
    body: bytes
    error: str | None
    request_id: str

    @property
    def message(self) -> str:
        """The service's text about the error; empty when it gives none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return self.body.decode(errors="replace")
        return str(document.get("message") or document.get("Message") or "")


class ServiceUnreachableError(Exception):
    """Raised when the connection fails or the answer breaks off."""


class ServiceCaller:
    """Sends requests to one endpoint over kept connections."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, retries=False)
        # The signature is not real, but the credential's scope is: moto and the embedded Bedrock read the service and
        # the Region from it.
        credential = f"{ACCESS_KEY}/20260101/{REGION}/{service}/aws4_request"
        self._authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=local"

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout_s: float) -> ServiceAnswer:
        """Send one request and read the whole answer.

        Raises:
            TimeoutError: no whole answer within `timeout_s`.
            ServiceUnreachableError: the connection fails or breaks.
        """
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
        """Close the kept connections."""
        self._pool.clear()


class DynamoDb:
    """DynamoDB's actions, by name, with JSON in and out."""

    def __init__(self, url: str) -> None:
        self._caller = ServiceCaller(url, "dynamodb")

    def call(self, action: str, body: bytes, timeout_s: float = 10.0) -> ServiceAnswer:
        """Call an action and return its answer, be it a success or an error; raises what `ServiceCaller.post` does."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{action}"}
        return self._caller.post("/", body, headers, timeout_s)

    def request(self, action: str, arguments: dict[str, Any]) -> None:
        """Call an action whose failure would be a bug of the runner.

        Raises:
            RuntimeError: the answer is an error.
        """
        answer = self.call(action, json.dumps(arguments).encode())
        if answer.error is not None:
            raise RuntimeError(f"DynamoDB's {action} failed: {answer.error}: {answer.message}")

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()


class BedrockRuntime:
    """Bedrock's InvokeModel."""

    def __init__(self, url: str) -> None:
        self._caller = ServiceCaller(url, "bedrock")

    def invoke_model(
        self, model_id: str, body: bytes, content_type: str, accept: str, timeout_s: float
    ) -> ServiceAnswer:
        """Call InvokeModel and return its answer; raises what `ServiceCaller.post` does."""
        headers = {"Content-Type": content_type, "Accept": accept}
        return self._caller.post(f"/model/{quote(model_id, safe='')}/invoke", body, headers, timeout_s)

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()


class SageMakerRuntime:
    """SageMaker's InvokeEndpoint."""

    def __init__(self, url: str) -> None:
        self._caller = ServiceCaller(url, "sagemaker")

    def invoke_endpoint(self, arguments: dict[str, Any], timeout_s: float) -> ServiceAnswer:
        """Call InvokeEndpoint with its members, and return its answer; raises what `ServiceCaller.post` does."""
        headers = {"Content-Type": arguments.get("ContentType", "application/json")}
        for member, header in (("InferenceComponentName", "Inference-Component"), ("TargetVariant", "Target-Variant")):
            if member in arguments:
                headers[f"X-Amzn-SageMaker-{header}"] = arguments[member]
        path = f"/endpoints/{quote(arguments['EndpointName'], safe='')}/invocations"
        return self._caller.post(path, arguments["Body"].encode(), headers, timeout_s)

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()


def s3_headers() -> dict[str, str]:
    """The headers of a request to the local S3, which looks at nothing in them but the service and the Region."""
    credential = f"{ACCESS_KEY}/20260101/{REGION}/s3/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=local"}


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
