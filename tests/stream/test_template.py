"""The streaming path in the template and in the HTTP contract."""

from __future__ import annotations

import json
import os

import pytest

from streaming.application import READINESS_PATH
from streaming.routes import ROUTES
from streaming.settings import read_settings
from tests.conftest import ROOT
from tollgate.stack import Stack


@pytest.fixture(scope="module")
def stack():
    return Stack.load(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def paths(stack):
    (api,) = stack.resources("AWS::ApiGateway::RestApi").values()
    return api.properties["Body"]["paths"]


@pytest.fixture(scope="module")
def function(stack):
    return stack.resources("AWS::Lambda::Function")["StreamFunction"].properties


def statements(stack, role):
    properties = stack.resources("AWS::IAM::Role")[role].properties
    return [s for policy in properties["Policies"] for s in policy["PolicyDocument"]["Statement"]]


def step_path(path):
    """The path on which the state machine answers the same requests."""
    for suffix in ("-with-response-stream", "-response-stream", "-stream"):
        path = path.removesuffix(suffix)
    return path.removeprefix("/stream")


@pytest.mark.parametrize("path", ROUTES)
def test_each_route_streams_from_the_function_with_the_same_key_as_the_step_path(paths, path):
    operation = paths[path]["post"]
    integration = operation["x-amazon-apigateway-integration"]

    assert (integration["type"], integration["responseTransferMode"]) == ("aws_proxy", "STREAM")
    assert "2021-11-15/functions/" in integration["uri"]
    assert integration["uri"].endswith("StreamFunction/response-streaming-invocations")
    assert operation["security"] == paths[step_path(path)]["post"]["security"]


def test_both_paths_declare_the_same_requests_and_answers(paths):
    for path in ROUTES:
        stream, step = paths[path]["post"], paths[step_path(path)]["post"]
        assert stream["requestBody"] == step["requestBody"]
        assert set(stream["responses"]) == set(step["responses"])


def test_the_function_ends_before_api_gateway_stops_waiting_and_lambda_after_it(paths, function):
    integration = paths["/stream/v1/chat/completions"]["post"]["x-amazon-apigateway-integration"]

    assert float(function["Environment"]["Variables"]["TOLLGATE_TIMEOUT_MS"]) == float(integration["timeoutInMillis"])
    assert int(integration["timeoutInMillis"]) <= int(function["Timeout"]) * 1000


def test_the_adapter_runs_the_script_and_asks_for_its_readiness(function):
    variables = function["Environment"]["Variables"]
    script = ROOT / "functions" / "stream" / function["Handler"]

    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/sh\n")
    assert variables["AWS_LWA_READINESS_CHECK_PATH"] == READINESS_PATH
    assert variables["AWS_LWA_INVOKE_MODE"] == "response_stream"
    settings = read_settings({**variables, "AWS_REGION": "x", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    assert settings.port == int(variables["AWS_LWA_PORT"])


@pytest.mark.parametrize(
    "parameters, layer",
    [
        ({}, "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerArm64:30"),
        ({"Architecture": "x86_64"}, "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:30"),
        ({"WebAdapterLayerArn": "arn:aws:lambda:us-east-1:1:layer:own:1"}, "arn:aws:lambda:us-east-1:1:layer:own:1"),
    ],
)
def test_the_adapters_layer_fits_the_architecture_unless_another_is_named(parameters, layer):
    stack = Stack.load(ROOT / "template.yaml", parameters)

    assert layer in stack.resources("AWS::Lambda::Function")["StreamFunction"].properties["Layers"]


def test_the_function_may_read_records_and_invoke_imported_models_and_no_more(stack):
    allowed = {
        action: statement["Resource"]
        for statement in statements(stack, "StreamRole")
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.startswith(("logs:", "xray:"))
    }

    assert set(allowed) == {"dynamodb:GetItem", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}
    assert allowed["bedrock:InvokeModel"].endswith(":imported-model/*")


def test_further_models_are_allowed_on_both_paths():
    stack = Stack.load(ROOT / "template.yaml", {"AdditionalModelArns": "arn:aws:bedrock:us-west-2:1:imported-model/x"})

    policy = stack.resources("AWS::IAM::Policy")["AdditionalModelsPolicy"]
    (statement,) = policy.properties["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}
    assert len(policy.properties["Roles"]) == 2


def test_api_gateway_may_invoke_the_function(stack):
    function = "arn:aws:lambda:us-east-1:123456789012:function:tollgate-StreamFunction"

    assert any(function in json.dumps(statement["Resource"]) for statement in statements(stack, "ApiRole"))


def test_the_function_has_no_aws_sdk():
    assert "boto" not in (ROOT / "functions" / "stream" / "requirements.txt").read_text()
