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
from tollgate_layer.inference.request import GIVEN_HEADERS
from tollgate_layer.inference.response import HEADERS

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
AWS_SECURITY: list[Node] = [{"aws": []}, {"api_key": []}]
ANY_METHOD = "x-amazon-apigateway-any-method"
EVERYTHING_ELSE = "/{proxy+}"
INTEGRATION = "x-amazon-apigateway-integration"
TEXT: Node = {"schema": {"type": "string"}}
# A gateway response runs no template, and so cannot look up an origin in a list. Where the list has several, it repeats
# the origin that asks, whichever that is: docs/decisions/0096-cors-is-off.md.
_CORS_OF_REFUSALS: Node = {
    "gatewayresponse.header.Access-Control-Allow-Origin": {
        "Fn::If": ["HasSeveralCorsOrigins", "method.request.header.Origin", {"Fn::Sub": "'${CorsOrigins}'"}]
    },
    "gatewayresponse.header.Access-Control-Expose-Headers": "'x-request-id, Retry-After'",
    "gatewayresponse.header.Vary": "'Origin'",
}
# `@error(timeout)`, `@error(model_not_found, model)`, `@status(timeout)`, `@retry_after(timeout)`, `@dialect`,
# `@headers`.
_PLACEHOLDER = re.compile(r"@(error|status|retry_after)\((\w+)(?:, (\w+))?\)|@(dialect|headers|given|fields)\b")
# `@escaped($input.body)`: up to the end of the directive around it, since what is escaped may have parentheses.
_ESCAPED = re.compile(r"@escaped\((.*)\)(?=\)$)", re.MULTILINE)
_QUOTE_AGAIN = """.replaceAll("\\\\'", "'")"""


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
        "security": _security(route),
        **_path_parameters(route["path"]),
    }
    if "request" in route:
        content = {"application/json": {"schema": _reference(route["request"])}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {"200": _success(**route["success"])}
    for status in integration["errors"]:
        # AWS's runtimes tell failures in bodies of their own.
        schema = "AnyBody" if route.get("key") == "aws" else "Error"
        operation["responses"][str(status)] = _failure(status, contract, schema)
    operation[INTEGRATION] = _integration(integration, route.get("dialect", ""))
    return operation


def _security(route: Node) -> list[Node]:
    """Who may call a route: everybody, or who has a key, which AWS's SDKs send in ways of their own."""
    if not route.get("key", True):
        return []
    return AWS_SECURITY if route.get("key") == "aws" else SECURITY


def _refusal(code: str, contract: Node, allow: str | None = None) -> Node:
    """An operation that always answers an error; API Gateway itself answers it."""
    status = ERRORS[code].status
    answer: Node = {"error": code}
    failure = _failure(status, contract)
    if allow:
        answer["headers"] = {"Allow": f"'{allow}'"}
        answer["template"] = "preflight.vtl"
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


def _failure(status: int, contract: Node, schema: str = "Error") -> Node:
    headers = {"x-request-id": TEXT}
    if any(kind.retry_after for kind in ERRORS.values() if kind.status == status):
        headers["Retry-After"] = TEXT
    content = {"application/json": {"schema": _reference(schema)}}
    return {"description": contract["statuses"][status], "headers": headers, "content": content}


def _reference(schema: str) -> Node:
    return {"$ref": f"#/components/schemas/{schema}"}


def _integration(integration: Node, dialect: str = "") -> Node:
    """API Gateway's definition of an integration; a proxied one maps neither request nor answers."""
    definition: Node = dict(integration["gateway"])
    if "request" in integration:
        template = _substituted(_template(integration["request"], dialect))
        definition["requestTemplates"] = dict.fromkeys(integration.get("takes", ["application/json"]), template)
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
        "responseTemplates": {"application/json": _substituted(_template("cors.vtl") + "\n" + _template(template))},
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
        "responseParameters": {"Fn::If": ["HasCorsOrigins", {**parameters, **_CORS_OF_REFUSALS}, parameters]},
        "responseTemplates": {"application/json": _template(f"@error({error})")},
    }
    if status == "own":
        return response
    # As text: API Gateway's extension has no numbers here.
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.gatewayResponse.html
    return {"statusCode": str(kind.status), **response}


def _substituted(template: str) -> str | Node:
    """A template as it goes into the document: CloudFormation puts in what ${ModelTable} and the like stand for."""
    return {"Fn::Sub": template} if "${" in template else template


def _template(source: str | Node | None, dialect: str = "") -> str:
    """A mapping template: a file of templates/, a text, or JSON. Comments are not sent to API Gateway."""
    if not isinstance(source, str):
        return json.dumps(source)
    text = (FOLDER / "templates" / source).read_text() if source.endswith(".vtl") else source
    text = re.sub(r"^##.*\n", "", text, flags=re.MULTILINE).removesuffix("\n")

    def value(placeholder: re.Match[str]) -> str:
        what, code, param, word = placeholder.groups()
        if word is not None:
            return {
                "dialect": dialect,
                "headers": _headers_of_response(),
                "given": _given_headers(),
                "fields": "".join(f', \\"{name}\\": \\"${name}\\"' for name in GIVEN_HEADERS),
            }[word]
        if what == "error":
            error = ApiError(code, param=param)
            # The message twice: AWS's SDKs look for it outside of OpenAI's object.
            return json.dumps({**error.body("$context.requestId"), "message": error.message})
        return str(getattr(ERRORS[code], what))

    return _ESCAPED.sub(_escaped, _PLACEHOLDER.sub(value, text))


def _headers_of_response() -> str:
    """The part of a template that sets the headers that `$response` has."""
    lines = []
    for field, header in HEADERS.items():
        lines.append(f'#if("$!response.{field}" != "")')
        lines.append(f"#set($context.responseOverride.header.{header} = $response.{field})")
        lines.append("#end")
    return "\n".join(lines)


def _escaped(found: re.Match[str]) -> str:
    """A client's text as a part of the execution's input; start_execution.vtl says why it is escaped twice."""
    once = f"$util.escapeJavaScript({found[1]}){_QUOTE_AGAIN}"
    return f"$util.escapeJavaScript({once}){_QUOTE_AGAIN}"


def _given_headers() -> str:
    """The part of a template that takes what a request says in headers, whose names come in either case."""
    lines = []
    for name, header in GIVEN_HEADERS.items():
        lines.append(f"#set($value = \"$!input.params('{header}')\")")
        lines.append('#if($value == "")')
        lines.append(f"#set($value = \"$!input.params('{header.lower()}')\")")
        lines.append("#end")
        lines.append(f"#set(${name} = @escaped($value))")
    return "\n".join(lines)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and everything out in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
