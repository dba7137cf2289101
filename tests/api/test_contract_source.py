"""A route is one block of the contract; all else about it is generated."""

from __future__ import annotations

import copy
import json

import pytest
import yaml

from api.__main__ import stream_routes
from api.contract import openapi_document, to_yaml
from tests.conftest import ROOT
from tollgate_layer.inference.failures.errors import ERRORS

CONTRACT = yaml.safe_load((ROOT / "api" / "contract.yaml").read_text())


def test_a_new_route_is_one_block():
    # GIVEN the contract with one more block
    contract = copy.deepcopy(CONTRACT)
    contract["routes"].append(
        {
            "path": "/v1/things/{thing}",
            "method": "post",
            "operationId": "makeThing",
            "summary": "A thing.",
            "dialect": "things",
            "integration": "execution",
            "request": "CompletionRequest",
            "success": {"description": "The thing.", "schema": "Completion"},
        }
    )

    document = openapi_document(contract, {})
    path = document["paths"].pop("/v1/things/{thing}")

    # THEN it has its key, its failures, its dialect and the refusal of other methods, and nothing else changes
    assert path["post"]["security"] == [{"bearer": []}, {"api_key": []}]
    assert path["post"]["parameters"][0]["name"] == "thing"
    assert "429" in path["post"]["responses"]
    template = path["post"]["x-amazon-apigateway-integration"]["requestTemplates"]["application/json"]["Fn::Sub"]
    assert r"\"things\"" in template
    refusal = path["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["responses"]["default"]
    assert refusal["responseParameters"]["method.response.header.Allow"] == "'POST'"
    assert document == openapi_document(CONTRACT, {})


def test_comments_and_placeholders_do_not_reach_api_gateway():
    text = json.dumps(openapi_document(CONTRACT, {}))

    assert "##" not in text
    assert not [name for name in ("@error", "@status", "@retry_after", "@dialect") if name in text]


def test_retry_after_is_the_tables_unless_the_contract_says_otherwise():
    told = openapi_document(CONTRACT, {})["x-amazon-apigateway-gateway-responses"]
    header = "gatewayresponse.header.Retry-After"

    def seconds(refusal):
        _, _, headers = told[refusal]["responseParameters"]["Fn::If"]
        return headers[header]

    assert seconds("THROTTLED") == f"'{ERRORS['rate_limit_exceeded'].retry_after}'"
    assert seconds("QUOTA_EXCEEDED") == "'60'"


@pytest.mark.parametrize(
    "text", ["one line", "two\nlines", "yes", "4\\d{2}", '${A} #set($b = \'1\')\n  {"c": "\\\\\'"}']
)
def test_yaml_keeps_every_text(text):
    assert yaml.safe_load(to_yaml({"text": text, "again": text}, "# heading\n")) == {"text": text, "again": text}


@pytest.mark.parametrize(
    "change", [{"path": "/stream/v1/things/{thing}"}, {"path": "/v1/chat/completions"}, {"method": "get"}]
)
def test_a_route_that_the_streaming_function_cannot_serve_is_refused(change):
    route = {"path": "/stream/v1/x", "method": "post", "dialect": "completions", "integration": "stream"}

    assert stream_routes({"routes": [route]}) == {"/stream/v1/x": "completions"}
    with pytest.raises(ValueError, match="the streaming function serves POST"):
        stream_routes({"routes": [route | change]})
