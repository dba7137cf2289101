"""The template: permissions, logs, timeouts, and that the HTTP contract says what the error table says."""

from __future__ import annotations

import ast
import json
import re

import pytest

from tests.conftest import ROOT
from tests.infrastructure.conftest import strings
from tollgate.stack import Stack
from tollgate_layer.inference.failures.errors import ERRORS

# Actions that know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCES = ("xray:", "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery",
                     "logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
                     "logs:DescribeResourcePolicies", "logs:DescribeLogGroups", "bedrock:ListImportedModels",
                     "bedrock:ListModelImportJobs", "bedrock:CreateModelImportJob",
                     "cloudwatch:GetMetricData", "scheduler:ListSchedules")  # fmt: skip


def statements(stack):
    for type_ in ("AWS::IAM::Role", "AWS::IAM::Policy"):
        for name, role in stack.resources(type_).items():
            policies = role.properties.get("Policies", [role.properties])
            for policy in policies:
                for statement in policy["PolicyDocument"]["Statement"] if "PolicyDocument" in policy else []:
                    yield name, statement


def actions_of(statement):
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


def test_no_statement_has_a_stray_star(stack):
    found = list(statements(stack))
    assert len(found) >= 10
    for name, statement in found:
        assert not any("*" in action for action in actions_of(statement)), name
        if statement["Resource"] == "*":
            assert all(action.startswith(WITHOUT_RESOURCES) for action in actions_of(statement)), name


def test_models_are_this_accounts_imported_models_in_this_region(stack):
    resources = {
        statement["Resource"]
        for _, statement in statements(stack)
        if any(action.startswith("bedrock:Invoke") for action in actions_of(statement))
    }

    assert resources == {"arn:aws:bedrock:us-east-1:123456789012:imported-model/*"}


def test_further_models_are_allowed_by_a_parameter():
    arn = "arn:aws:bedrock:us-west-2:111122223333:imported-model/abcdefghijkl"
    stack = Stack.load(ROOT / "template.yaml", {"AdditionalModelArns": arn})

    policy = stack.resources("AWS::IAM::Policy")["AdditionalModelsPolicy"]
    assert policy.properties["PolicyDocument"]["Statement"][0]["Resource"] == [arn]


def test_every_function_writes_to_a_log_group_that_forgets(stack):
    groups = stack.resources("AWS::Logs::LogGroup")
    assert all(int(group.properties["RetentionInDays"]) == 30 for group in groups.values())
    for name, function in stack.resources("AWS::Lambda::Function").items():
        assert function.properties["LoggingConfig"]["LogGroup"] in {group.name for group in groups.values()}, name


def test_only_the_functions_that_import_the_layer_have_it(stack):
    (layer,) = stack.resources("AWS::Lambda::LayerVersion").values()
    functions = stack.resources("AWS::Lambda::Function")

    having = {
        name
        for name, function in functions.items()
        if stack.arn(layer.logical_id) in function.properties.get("Layers", [])
    }

    assert having == {"PreprocessFunction", "PostprocessFunction", "StreamFunction", "ReleaseFunction"}
    assert "tollgate_layer" not in (ROOT / "functions" / "authorizer" / "app.py").read_text()


def test_step_functions_assumes_its_role_for_this_accounts_machines_only(stack):
    (statement,) = stack.resources("AWS::IAM::Role")["InferenceRole"].properties["AssumeRolePolicyDocument"][
        "Statement"
    ]

    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    source = "arn:aws:states:us-east-1:123456789012:stateMachine:*"
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": source}


@pytest.mark.parametrize("header", ["Bearer k", "bearer k", "BEARER k", "bEaReR  k "])
def test_the_gateway_lets_pass_every_header_that_the_authorizer_takes(openapi, header):
    authorizer = openapi["components"]["securitySchemes"]["bearer"]["x-amazon-apigateway-authorizer"]

    assert re.fullmatch(authorizer["identityValidationExpression"], header)


def test_execution_data_is_never_logged(stack):
    machines = stack.resources("AWS::StepFunctions::StateMachine")

    assert len(machines) == 2
    for machine in machines.values():
        assert machine.properties["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_requests_are_traced(stack):
    assert all(f.properties["TracingConfig"] == {"Mode": "Active"} for f in
               stack.resources("AWS::Lambda::Function").values())  # fmt: skip
    assert all(s.properties["TracingEnabled"] for s in stack.resources("AWS::ApiGateway::Stage").values())
    assert all(m.properties["TracingConfiguration"]["Enabled"] for m in
               stack.resources("AWS::StepFunctions::StateMachine").values())  # fmt: skip


def test_the_model_table_survives_mistakes(template):
    table = template["Resources"]["ModelTable"]

    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_every_deployment_of_the_stack_reaches_its_one_stage(stack, template):
    # A deployment is named after the contract's text, which does not change with a parameter's value.
    assert template["Resources"]["Api"]["Properties"]["AlwaysDeploy"] is True
    (deployment,) = stack.resources("AWS::ApiGateway::Deployment").values()
    (stage,) = stack.resources("AWS::ApiGateway::Stage").values()

    assert stage.properties["DeploymentId"] == deployment.name
    assert "StageName" not in deployment.properties


def test_what_is_deployed_never_imports_tollgate():
    files = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers").rglob("*.py")]
    assert len(files) > 15
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "tollgate" for name in names), file


@pytest.mark.parametrize("name", ["preprocess", "postprocess"])
def test_functions_on_the_step_path_have_no_aws_sdk(name):
    assert "boto" not in (ROOT / "functions" / name / "requirements.txt").read_text()


def error_bodies(openapi):
    """Every error body in the contract's templates."""
    for text in strings(openapi):
        for line in text.splitlines():
            if line.strip().startswith('{"error"'):
                yield json.loads(line)["error"]


def test_the_contract_words_its_errors_as_the_error_table_does(openapi):
    found = list(error_bodies(openapi))
    assert len(found) > 30
    for error in found:
        kind = ERRORS[error["code"]]
        assert (error["type"], error["message"]) == (kind.type, kind.message)
        assert error["request_id"] == "$context.requestId"


def test_api_gateways_own_refusals_have_the_tables_status(openapi):
    for name, response in openapi["x-amazon-apigateway-gateway-responses"].items():
        body = json.loads(response["responseTemplates"]["application/json"])
        kind = ERRORS[body["error"]["code"]]
        if name == "DEFAULT_4XX":
            # A status here would become that of every refusal that has no entry, EXPIRED_TOKEN's 403 for example.
            assert "statusCode" not in response
            continue
        assert response["statusCode"] == str(kind.status), f"{name}: API Gateway's extension has text here"
        _, with_cors, without = response["responseParameters"]["Fn::If"]
        for headers in (with_cors, without):
            assert ("gatewayresponse.header.Retry-After" in headers) == bool(kind.retry_after), name


def integrations(stack):
    """The integration of each route, by path."""
    (api,) = stack.resources("AWS::ApiGateway::RestApi").values()
    for path, methods in api.properties["Body"]["paths"].items():
        if "post" in methods:
            yield path, methods["post"]["x-amazon-apigateway-integration"]


TIMEOUTS = [
    ("ApiTimeoutMillis", "/v1/", [29000, 60000, 120000, 180000, 300000]),
    ("StreamTimeoutMillis", "/stream/v1/", [60000, 300000, 900000]),
]


@pytest.mark.parametrize("parameter, prefix, values", TIMEOUTS)
def test_each_timeout_that_is_allowed_is_a_number_to_api_gateway(template, parameter, prefix, values):
    assert template["Parameters"][parameter]["AllowedValues"] == values
    for value in values:
        stack = Stack.load(ROOT / "template.yaml", {parameter: str(value)})
        found = [integration["timeoutInMillis"] for path, integration in integrations(stack) if path.startswith(prefix)]

        # A number: CloudFormation hands what a Ref gives over as text.
        assert found == [value] * 3
        assert all(type(number) is int for number in found)


def test_the_contract_and_the_template_give_the_api_the_same_name(stack):
    # Whichever of the two wins in CloudFormation, the metrics that the alarms watch are under this name.
    (api,) = stack.resources("AWS::ApiGateway::RestApi").values()

    assert api.properties["Name"] == api.properties["Body"]["info"]["title"] == stack.name


UNKNOWN_TO_MODELS = {"anyOf", "discriminator", "example", "exclusiveMaximum", "exclusiveMinimum", "format", "oneOf",
                     "pattern", "readOnly"}  # fmt: skip
"""Keywords that API Gateway refuses in models, or only warns of.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""


def schemas_in(node):
    """Every schema of the contract, outermost first."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        yield node
        for keyword, value in node.items():
            # What stands in `properties` are names of fields, which may be called as a keyword is.
            for schema in value.values() if keyword == "properties" else [value]:
                yield from schemas_in(schema)


def test_schemas_keep_to_what_api_gateway_takes(openapi):
    found = list(schemas_in(openapi["components"]["schemas"]))
    assert len(found) > 50
    assert all(name.isalnum() for name in openapi["components"]["schemas"])
    for schema in found:
        assert not UNKNOWN_TO_MODELS & schema.keys()


def test_answers_refer_to_their_schemas(openapi):
    # API Gateway takes no bare text, and no media type without a schema, in an answer.
    media_types = [
        media_type
        for methods in openapi["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for media_type in response["content"].values()
    ]
    assert len(media_types) > 50
    for media_type in media_types:
        assert "$ref" in media_type["schema"] or media_type["schema"]["type"] == "object"


def test_both_inference_routes_have_the_same_templates_but_for_their_name(openapi):
    chat, text = (
        openapi["paths"][path]["post"]["x-amazon-apigateway-integration"]
        for path in ("/v1/chat/completions", "/v1/completions")
    )

    assert json.loads(json.dumps(chat).replace("chat.completions", "completions")) == text


def test_every_route_but_health_needs_a_key(openapi):
    operations = {
        f"{method} {path}": operation
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    }

    without = {name for name, operation in operations.items() if operation["security"] == []}

    for name, operation in operations.items():
        # AWS's SDKs can send no bearer token everywhere: on their routes the authorizer looks at the whole request.
        scheme = "aws" if "/endpoints/" in name or "/model/" in name else "bearer"
        assert operation["security"] in ([], [{scheme: []}, {"api_key": []}]), name
    assert {name for name in without if not name.startswith("x-amazon-apigateway-any")} == {
        "get /health",
        "get /v1/health",
        "get /stream/health",
    }
