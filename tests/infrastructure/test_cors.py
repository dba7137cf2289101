"""The parameter CorsOrigins on the expanded template: which answers let web pages of other origins read them."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import ROOT
from tollgate.emulators.api_gateway.mapping_templates import MappingTemplate, Parameters
from tollgate.stack import Stack
from tollgate.stack.definitions import DefinitionError

pytestmark = pytest.mark.slow

ORIGIN = "https://app.example.com"
SEVERAL = f"{ORIGIN},http://localhost:5173"
ALLOW = "Access-Control-Allow-Origin"


def api(origins):
    (resource,) = (
        Stack.load(ROOT / "template.yaml", {"CorsOrigins": origins}).resources("AWS::ApiGateway::RestApi").values()
    )
    return resource.properties["Body"]


def templates(body):
    """The mapping template of every answer of every operation but the streaming function's, which passes through."""
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            for status, answer in integration.get("responses", {}).items():
                for text in answer["responseTemplates"].values():
                    yield f"{method} {path} {status}", text


def headers(text, origin, method="POST", **sent):
    """The headers that a template sets for a request of an origin."""
    parameters = Parameters(header={"origin": origin, **sent} if origin else sent)
    context = {"requestId": "r-1", "httpMethod": method}
    return MappingTemplate(text, "test").render(json.dumps({"status": "FAILED"}), parameters, context)


@pytest.mark.parametrize(
    "origins, origin, allowed, varies",
    [
        ("", ORIGIN, None, None),
        ("*", ORIGIN, "*", None),
        ("*", "", "*", None),
        (ORIGIN, ORIGIN, ORIGIN, "Origin"),
        (ORIGIN, "https://app.example.com.evil.example", None, "Origin"),
        (ORIGIN, "", None, "Origin"),
        (SEVERAL, "http://localhost:5173", "http://localhost:5173", "Origin"),
        (SEVERAL, "http://localhost", None, "Origin"),
    ],
)
def test_every_answer_names_an_origin_that_is_let_in(origins, origin, allowed, varies):
    seen = 0
    for place, text in templates(api(origins)):
        told = headers(text, origin).headers
        assert (told.get(ALLOW), told.get("Vary")) == (allowed, varies), place
        assert ("Access-Control-Expose-Headers" in told) == bool(allowed), place
        seen += 1
    assert seen > 20


def test_a_preflight_is_answered_without_a_key():
    for path, methods in api(ORIGIN)["paths"].items():
        operation = methods["x-amazon-apigateway-any-method"]
        (answer,) = operation["x-amazon-apigateway-integration"]["responses"].values()
        (text,) = answer["responseTemplates"].values()

        told = headers(text, ORIGIN, "OPTIONS", **{"access-control-request-headers": "authorization,x-stainless-os"})

        assert operation["security"] == []
        if path != "/{proxy+}":
            assert (told.status, told.text.strip()) == (200, ""), path
            assert told.headers["Access-Control-Allow-Headers"] == "authorization,x-stainless-os"
            assert "POST" in told.headers["Access-Control-Allow-Methods"]


def test_without_origins_a_preflight_is_a_method_that_is_not_there():
    operation = api("")["paths"]["/v1/chat/completions"]["x-amazon-apigateway-any-method"]
    (answer,) = operation["x-amazon-apigateway-integration"]["responses"].values()

    told = headers(answer["responseTemplates"]["application/json"], ORIGIN, "OPTIONS")

    assert told.status is None
    assert (answer["statusCode"], told.headers) == ("405", {})
    assert json.loads(told.text)["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "origins, value",
    [("", None), ("*", "'*'"), (ORIGIN, f"'{ORIGIN}'"), (SEVERAL, "method.request.header.Origin")],
)
def test_api_gateways_own_refusals_can_be_read_too(origins, value):
    for name, response in api(origins)["x-amazon-apigateway-gateway-responses"].items():
        found = response["responseParameters"].get(f"gatewayresponse.header.{ALLOW}")
        assert found == value, name


@pytest.mark.parametrize("origins", ["https://a.example/", "a.example", "*,https://a.example", '"', "https://a b", ","])
def test_what_is_no_list_of_origins_is_refused_before_anything_is_deployed(origins):
    with pytest.raises(DefinitionError, match="CorsOrigins"):
        api(origins)


def test_the_streaming_function_is_told_of_the_origins():
    functions = Stack.load(ROOT / "template.yaml", {"CorsOrigins": SEVERAL}).resources("AWS::Lambda::Function")
    told = {
        function.properties["Environment"]["Variables"].get("TOLLGATE_CORS_ORIGINS") for function in functions.values()
    }

    assert told == {None, SEVERAL}
    assert re.search("cors_origins=", (ROOT / "functions/stream/streaming/settings.py").read_text())
