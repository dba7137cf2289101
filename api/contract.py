"""The OpenAPI document that API Gateway imports, from `contract.yaml`, the mapping templates and the table of errors.

Everything is written out in full, because API Gateway ignores security at the root of a document and does not follow
references in an operation's responses.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tollgate_layer.inference.failures.errors import ERRORS, ApiError

FOLDER = Path(__file__).parent
Node = dict[str, Any]

# What clients send to paths that do not exist, such as the files of other APIs: without a template for its media type,
# such a request would be told that it is not JSON, and not that there is nothing.
OTHER_MEDIA_TYPES = (
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
)
# An operation's security is all of its entries, where OpenAPI means one of them: decision 0091.
SECURITY: list[Node] = [{"bearer": []}, {"api_key": []}]
ANY_METHOD = "x-amazon-apigateway-any-method"
EVERYTHING_ELSE = "/{proxy+}"
INTEGRATION = "x-amazon-apigateway-integration"
TEXT: Node = {"schema": {"type": "string"}}
# `@error(timeout)`, `@error(model_not_found, model)`, `@status(timeout)`, `@retry_after(timeout)`, `@dialect`.
_PLACEHOLDER = re.compile(r"@(error|status|retry_after)\((\w+)(?:, (\w+))?\)|@(dialect)\b")


def openapi_document(contract: Node, schemas: Mapping[str, Node]) -> Node:
    """The document for a contract, which is `contract.yaml` read; `schemas` are the document's components."""
    paths: dict[str, Node] = {}
    for route in contract["routes"]:
        paths.setdefault(route["path"], {})[route["method"]] = _operation(route, contract)
    for operations in paths.values():
        # API Gateway's own answer to a method that is not there is about credentials: decision 0005.
        allowed = ", ".join(operations).upper()
        operations[ANY_METHOD] = _refusal("method_not_allowed", contract, allow=allowed)
    paths[EVERYTHING_ELSE] = {ANY_METHOD: {**_path_parameters(EVERYTHING_ELSE), **_refusal("not_found", contract)}}
    gateway_responses = {}
    for name, told in contract["gateway_responses"].items():
        gateway_responses[name] = _gateway_response(**told)
    return {
        "openapi": "3.0.1",
        "info": contract["info"],
        "x-amazon-apigateway-api-key-source": "AUTHORIZER",
        "x-amazon-apigateway-policy": contract["policy"],
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": gateway_responses,
        "components": {"securitySchemes": contract["securitySchemes"], "schemas": dict(schemas)},
    }


def to_yaml(document: Node, heading: str) -> str:
    """The document as YAML, with texts of several lines as such and without references inside of it."""
    return heading + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


def _operation(route: Node, contract: Node) -> Node:
    integration = contract["integrations"][route["integration"]]
    operation: Node = {
        "operationId": route["operationId"],
        "summary": route["summary"],
        "security": SECURITY if route.get("key", True) else [],
        **_path_parameters(route["path"]),
    }
    if "request" in route:
        content = {"application/json": {"schema": _reference(route["request"])}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {"200": _success(**route["success"])}
    for status in integration["errors"]:
        operation["responses"][str(status)] = _failure(status, contract)
    operation[INTEGRATION] = _integration(integration, route.get("dialect", ""))
    return operation


def _refusal(code: str, contract: Node, allow: str | None = None) -> Node:
    """An operation that always answers an error; API Gateway itself answers it."""
    status = ERRORS[code].status
    answer: Node = {"error": code}
    failure = _failure(status, contract)
    if allow:
        answer["headers"] = {"Allow": f"'{allow}'"}
        failure["headers"]["Allow"] = TEXT
    integration = {
        "gateway": {"type": "mock", "passthroughBehavior": "never"},
        "request": {"statusCode": status},
        "answers": {"default": answer},
    }
    definition = _integration(integration)
    for media_type in OTHER_MEDIA_TYPES:
        definition["requestTemplates"][media_type] = definition["requestTemplates"]["application/json"]
    return {"security": [], "responses": {str(status): failure}, INTEGRATION: definition}


def _path_parameters(path: str) -> Node:
    names = re.findall(r"{(\w+)\+?}", path)
    parameters = [{"name": name, "in": "path", "required": True, **TEXT} for name in names]
    return {"parameters": parameters} if parameters else {}


def _success(description: str, schema: str | Node, stream: bool = False) -> Node:
    content = {"application/json": {"schema": _reference(schema) if isinstance(schema, str) else schema}}
    if stream:
        content["text/event-stream"] = {"schema": _reference("EventStream")}
    return {"description": description, "headers": {"x-request-id": TEXT}, "content": content}


def _failure(status: int, contract: Node) -> Node:
    headers = {"x-request-id": TEXT}
    if any(kind.retry_after for kind in ERRORS.values() if kind.status == status):
        headers["Retry-After"] = TEXT
    content = {"application/json": {"schema": _reference("Error")}}
    return {"description": contract["statuses"][status], "headers": headers, "content": content}


def _reference(schema: str) -> Node:
    return {"$ref": f"#/components/schemas/{schema}"}


def _integration(integration: Node, dialect: str = "") -> Node:
    """API Gateway's definition of an integration; a proxied one maps neither request nor answers."""
    definition: Node = dict(integration["gateway"])
    if "request" in integration:
        template = _template(integration["request"], dialect)
        substituted = "${" in template  # by CloudFormation: ${ModelTable} and the like
        definition["requestTemplates"] = {"application/json": {"Fn::Sub": template} if substituted else template}
    if "answers" in integration:
        definition["responses"] = {}
        for status, answer in integration["answers"].items():
            definition["responses"][status] = _answer(**answer)
    return definition


def _answer(
    error: str | None = None, template: str | Node | None = None, headers: Mapping[str, str] | None = None
) -> Node:
    """How an integration's answer is told; a template of its own may still decide otherwise."""
    parameters = {"x-request-id": "context.requestId", **(headers or {})}
    if error and template is None:
        template = f"@error({error})"
        if ERRORS[error].retry_after:
            parameters["Retry-After"] = f"'{ERRORS[error].retry_after}'"
    mapped = {}
    for name, value in parameters.items():
        mapped[f"method.response.header.{name}"] = value
    return {
        "statusCode": str(ERRORS[error].status) if error else "200",
        "responseParameters": mapped,
        "responseTemplates": {"application/json": _template(template)},
    }


def _gateway_response(error: str, retry_after: int | None = None, status: str = "table") -> Node:
    """A refusal of API Gateway's own; `retry_after` in seconds where it is not the table's.

    `status` is `own` where the answer keeps the status that API Gateway gives it.
    """
    kind = ERRORS[error]
    parameters = {"gatewayresponse.header.x-request-id": "context.requestId"}
    seconds = retry_after or kind.retry_after
    if seconds:
        parameters["gatewayresponse.header.Retry-After"] = f"'{seconds}'"
    response: Node = {
        "responseParameters": parameters,
        "responseTemplates": {"application/json": _template(f"@error({error})")},
    }
    if status == "own":
        return response
    # As text: API Gateway's extension has no numbers here.
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.gatewayResponse.html
    return {"statusCode": str(kind.status), **response}


def _template(source: str | Node | None, dialect: str = "") -> str:
    """A mapping template: a file of templates/, a text, or JSON. Comments are not sent to API Gateway."""
    if not isinstance(source, str):
        return json.dumps(source)
    text = (FOLDER / "templates" / source).read_text() if source.endswith(".vtl") else source
    text = re.sub(r"^##.*\n", "", text, flags=re.MULTILINE).removesuffix("\n")

    def value(placeholder: re.Match[str]) -> str:
        what, code, param, _ = placeholder.groups()
        if what is None:
            return dialect
        if what == "error":
            return json.dumps(ApiError(code, param=param).body("$context.requestId"))
        return str(getattr(ERRORS[code], what))

    return _PLACEHOLDER.sub(value, text)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and everything out in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
