"""A Lambda runtime client in plain Python, for platforms that awslambdaric has no wheel for.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import http.client
import importlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

_RUNTIME = "/2018-06-01/runtime"


class Context:
    """The context object: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers: http.client.HTTPMessage, environment: dict[str, str]) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = None
        self.identity = None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(self._deadline_ms - int(time.time() * 1000), 0)


def describe(error: BaseException, request_id: str | None = None) -> dict[str, Any]:
    """An exception in the shape that Lambda reports."""
    described = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }
    return described if request_id is None else {**described, "requestId": request_id}


def load_handler(name: str) -> Callable[[Any, Context], Any]:
    """Import `module.function`.

    Raises:
        Exception: whatever the module raises while it is imported.
    """
    module_name, _, function_name = name.rpartition(".")
    module = importlib.import_module(module_name.replace("/", "."))
    handler: Callable[[Any, Context], Any] = getattr(module, function_name)
    return handler


def run(handler_name: str, address: str) -> None:
    """Load the handler, then answer invocations until the process ends."""
    import os

    logging.getLogger().addHandler(logging.StreamHandler())
    host, _, secret = address.partition("/")
    base = f"/{secret}{_RUNTIME}"
    connection = http.client.HTTPConnection(host)
    try:
        handler = load_handler(handler_name)
    except Exception as error:
        module_name = handler_name.rpartition(".")[0]
        described = describe(error)
        if isinstance(error, ImportError):
            described["errorType"] = "Runtime.ImportModuleError"
            described["errorMessage"] = f"Unable to import module '{module_name}': {error}"
        elif isinstance(error, AttributeError):
            described["errorType"] = "Runtime.HandlerNotFound"
        post(connection, f"{base}/init/error", json.dumps(described))
        sys.exit(1)
    while True:
        connection.request("GET", f"{base}/invocation/next")
        response = connection.getresponse()
        context = Context(response.headers, dict(os.environ))
        invoke(connection, f"{base}/invocation/{context.aws_request_id}", handler, json.loads(response.read()), context)


def invoke(
    connection: http.client.HTTPConnection,
    invocation: str,
    handler: Callable[[Any, Context], Any],
    event: Any,
    context: Context,
) -> None:
    """Call the handler and report its result, or its exception, under the path of the invocation."""
    try:
        result = handler(event, context)
    except Exception as error:
        traceback.print_exc()
        post(connection, f"{invocation}/error", json.dumps(describe(error, context.aws_request_id)))
        return
    try:
        body = json.dumps(result)
    except (TypeError, ValueError) as error:
        described = describe(error, context.aws_request_id) | {"errorType": "Runtime.MarshalError"}
        described["errorMessage"] = f"Unable to marshal response: {error}"
        post(connection, f"{invocation}/error", json.dumps(described))
        return
    post(connection, f"{invocation}/response", body)


def post(connection: http.client.HTTPConnection, path: str, body: str) -> None:
    """Send one report and read its acknowledgement, so that the connection can be used again."""
    connection.request("POST", path, body.encode(), {"Content-Type": "application/json"})
    connection.getresponse().read()
