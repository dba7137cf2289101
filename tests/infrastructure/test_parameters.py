"""Optional parameters: what each makes of the expanded template, and that nothing of it is there by default."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.infrastructure.conftest import strings
from tollgate.stack import Stack

pytestmark = pytest.mark.slow

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/main/11111111-2222-3333-4444-555555555555"
MODEL = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
OTHER_MODEL = "arn:aws:bedrock:us-west-2:111122223333:imported-model/abcdefghijkl"
HOOKS = "arn:aws:lambda:us-east-1:123456789012:function:tollgate-hook-*"
TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"
EVERYTHING = {
    "AccessLogs": "true",
    "AdditionalModelArns": OTHER_MODEL,
    "AlarmEmail": "operator@example.com",
    "AlarmTopicArn": TOPIC,
    "AllowedCidrs": "192.0.2.0/24, 198.51.100.0/24",
    "Dashboard": "true",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
    "CorsOrigins": "https://app.example.com,https://dev.example.com",
    "DomainName": "models.example.com",
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
    "ArtifactBucketArns": "arn:aws:s3:::models-a, arn:aws:s3:::models-b",
    "ArtifactBucketName": "our-models",
    "ArtifactKeyArn": KEY,
    "ReleaseApprovedModelPackages": "true",
    "HookFunctionArns": HOOKS,
    "ImportedModelArns": f"{MODEL}, {MODEL.replace('abc', 'xyz')}",
    "KmsKeyArn": KEY,
    "PermissionsBoundaryArn": BOUNDARY,
    "SageMakerEndpointArns": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/apexguru-prod",
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "StageBurstLimit": "8",
    "StageRateLimit": "7",
    "StreamConcurrency": "40",
    "SubnetIds": "subnet-0123456789abcdef0, subnet-0123456789abcdef1",
    "Tracing": "false",
    "WebAclArn": WEB_ACL,
}
PRIVATE = {
    "Alarms": "false",
    "AllowedCidrs": "10.0.0.0/8",
    "EndpointType": "PRIVATE",
    "KmsKeyArn": KEY,
    "VpcEndpointIds": "vpce-0123456789abcdef0, vpce-0123456789abcdef1",
    "VpcEndpointKey": "key-of-the-vpc",
}


def load(parameters: dict[str, str] | None = None) -> Stack:
    return Stack.load(ROOT / "template.yaml", parameters)


@pytest.fixture(scope="module")
def everything() -> Stack:
    return load(EVERYTHING)


@pytest.fixture(scope="module")
def private() -> Stack:
    return load(PRIVATE)


def only(stack: Stack, type_: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    (resource,) = stack.resources(type_).values()
    return resource.properties


def values(stack: Stack, type_: str, name: str) -> dict[str, Any]:
    """A property of every resource of a type; None where it is not set."""
    return {key: resource.properties.get(name) for key, resource in stack.resources(type_).items()}


def statements(stack: Stack) -> list[dict[str, Any]]:
    """Every statement of every role's and every other policy."""
    documents = []
    for role in stack.resources("AWS::IAM::Role").values():
        documents += [policy["PolicyDocument"] for policy in role.properties.get("Policies", [])]
    documents += [policy.properties["PolicyDocument"] for policy in stack.resources("AWS::IAM::Policy").values()]
    return [statement for document in documents for statement in document["Statement"]]


def allowed(stack: Stack, action: str) -> list[Any]:
    """The resources of the statements that allow an action."""
    return [statement["Resource"] for statement in statements(stack) if action in list(strings(statement["Action"]))]


def test_the_default_deployment_has_nothing_of_the_optional_things(stack):
    optional = {
        "AWS::ApiGateway::BasePathMapping",
        "AWS::ApiGateway::DomainName",
        "AWS::CloudWatch::Dashboard",
        "AWS::Route53::RecordSet",
        "AWS::SNS::Subscription",
        "AWS::WAFv2::WebACLAssociation",
    }
    assert {type_ for type_ in optional if stack.resources(type_)} == set()
    for parameter in ("PermissionsBoundaryArn", "KmsKeyArn", "WebAclArn", "DomainName"):
        assert stack.ref(parameter) == ""


def test_every_role_has_the_permissions_boundary(stack, everything):
    assert len(stack.resources("AWS::IAM::Role")) == 11
    assert set(values(stack, "AWS::IAM::Role", "PermissionsBoundary").values()) == {None}
    assert set(values(everything, "AWS::IAM::Role", "PermissionsBoundary").values()) == {BOUNDARY}


KEYS = [
    ("AWS::Logs::LogGroup", "KmsKeyId"),
    ("AWS::Lambda::Function", "KmsKeyArn"),
    ("AWS::SNS::Topic", "KmsMasterKeyId"),
    ("AWS::DynamoDB::Table", "SSESpecification"),
]


@pytest.mark.parametrize("type_, name", KEYS)
def test_what_holds_data_is_encrypted_with_the_key(stack, type_, name):
    with_key = load({"KmsKeyArn": KEY})
    expected = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY} if name == "SSESpecification" else KEY

    assert [value for value in values(stack, type_, name).values() if value is not None] == []
    found = values(with_key, type_, name)
    assert found
    assert all(value == expected for value in found.values())


def test_the_roles_may_use_the_key_through_dynamodb_and_lambda_only(stack, everything):
    assert allowed(stack, "kms:Decrypt") == []
    # By requests' functions, by the release function, and for artifacts that are encrypted with it.
    assert allowed(everything, "kms:Decrypt") == [KEY] * 3
    policy = everything.resources("AWS::IAM::Policy")["CustomerKeyPolicy"].properties
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert len(policy["Roles"]) == 6
    services = statement["Condition"]["StringEquals"]["kms:ViaService"]
    assert services == ["dynamodb.us-east-1.amazonaws.com", "lambda.us-east-1.amazonaws.com"]


def test_a_web_acl_protects_the_stage(everything):
    association = only(everything, "AWS::WAFv2::WebACLAssociation")

    assert association["WebACLArn"] == WEB_ACL
    assert association["ResourceArn"] == everything.outputs()["StageArn"]
    assert association["ResourceArn"].endswith("/stages/live")


def test_a_domain_name_is_mapped_to_the_stage_and_recorded(everything):
    mapping, record = (
        only(everything, f"AWS::{type_}") for type_ in ("ApiGateway::BasePathMapping", "Route53::RecordSet")
    )

    assert only(everything, "AWS::ApiGateway::DomainName")["DomainName"] == "models.example.com"
    assert mapping["Stage"] == "live"
    assert "BasePath" not in mapping  # the paths stay as they are
    assert (record["Name"], record["HostedZoneId"]) == ("models.example.com", EVERYTHING["HostedZoneId"])
    assert record["AliasTarget"]["DNSName"] == everything.outputs()["CustomDomainTarget"]


def test_the_base_urls_are_those_of_the_domain_name(stack, everything):
    assert stack.outputs()["ApiUrl"].endswith(".amazonaws.com/live/v1")
    assert everything.outputs()["ApiUrl"] == "https://models.example.com/v1"
    assert everything.outputs()["StreamUrl"] == "https://models.example.com/stream/v1"


def test_a_domain_name_without_a_hosted_zone_is_recorded_by_somebody_else():
    stack = load({name: EVERYTHING[name] for name in ("DomainName", "CertificateArn")})

    assert stack.resources("AWS::Route53::RecordSet") == {}
    assert stack.outputs()["CustomDomainTarget"]


def policy_of(stack: Stack) -> Any:
    return only(stack, "AWS::ApiGateway::RestApi")["Body"].get("x-amazon-apigateway-policy")


def test_an_api_that_everybody_may_reach_has_no_policy(stack):
    assert policy_of(stack) is None
    assert only(stack, "AWS::ApiGateway::RestApi")["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_addresses_outside_the_allowed_ranges_are_denied(everything):
    allow, deny = policy_of(everything)["Statement"]

    assert (allow["Effect"], allow["Principal"], allow["Action"]) == ("Allow", "*", "execute-api:Invoke")
    assert (deny["Effect"], deny["Resource"]) == ("Deny", allow["Resource"])
    assert deny["Condition"] == {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/24"]}}


def test_a_private_api_is_reached_by_its_endpoints_only(private):
    configuration = only(private, "AWS::ApiGateway::RestApi")["EndpointConfiguration"]
    endpoints = ["vpce-0123456789abcdef0", "vpce-0123456789abcdef1"]
    _, elsewhere, outside = policy_of(private)["Statement"]

    assert configuration == {"Types": ["PRIVATE"], "VpcEndpointIds": endpoints}
    assert (elsewhere["Effect"], outside["Effect"]) == ("Deny", "Deny")
    assert elsewhere["Condition"] == {"StringNotEquals": {"aws:SourceVpce": endpoints}}
    assert outside["Condition"] == {"NotIpAddress": {"aws:VpcSourceIp": ["10.0.0.0/8"]}}


def test_the_streaming_function_alone_is_put_into_the_subnets(stack, everything):
    network = {"SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
               "SecurityGroupIds": ["sg-0123456789abcdef0"]}  # fmt: skip

    assert set(values(stack, "AWS::Lambda::Function", "VpcConfig").values()) == {None}
    found = values(everything, "AWS::Lambda::Function", "VpcConfig")
    assert {name: value for name, value in found.items() if value} == {"StreamFunction": network}


def test_only_a_function_in_a_vpc_may_make_network_interfaces(stack, everything):
    assert allowed(stack, "ec2:CreateNetworkInterface") == []
    assert allowed(everything, "ec2:CreateNetworkInterface") == ["*"]
    policies = everything.resources("AWS::IAM::Role")["StreamRole"].properties["Policies"]
    assert [policy["PolicyName"] for policy in policies][-1] == "vpc"


def test_streams_may_be_limited_so_that_they_leave_concurrency_to_v1(stack, everything):
    found = values(everything, "AWS::Lambda::Function", "ReservedConcurrentExecutions")

    assert set(values(stack, "AWS::Lambda::Function", "ReservedConcurrentExecutions").values()) == {None}
    assert {name: value for name, value in found.items() if value} == {"StreamFunction": "40"}


@pytest.mark.parametrize("name", ["ThrottlingRateLimit", "ThrottlingBurstLimit"])
def test_every_method_is_throttled_with_or_without_a_key(stack, everything, name):
    # A method's own settings may not inherit from those of all methods: so each says it.
    default, changed = (
        [str(setting[name]) for setting in only(loaded, "AWS::ApiGateway::Stage")["MethodSettings"]]
        for loaded in (stack, everything)
    )

    assert default == ["1000" if "Rate" in name else "2000"] * 2
    assert changed == ["7" if "Rate" in name else "8"] * 3  # the dashboard's, too


def test_imported_models_may_be_named_one_by_one(stack, everything):
    both_paths = 2
    named = [MODEL, MODEL.replace("abc", "xyz")]

    assert (
        allowed(stack, "bedrock:InvokeModel")
        == ["arn:aws:bedrock:us-east-1:123456789012:imported-model/*"] * both_paths
    )
    assert sorted(allowed(everything, "bedrock:InvokeModel"), key=len) == [[OTHER_MODEL], named, named]


def test_alarms_go_to_a_topic_that_is_there_already(stack, everything):
    assert len(stack.resources("AWS::SNS::Topic")) == 1
    assert everything.resources("AWS::SNS::Topic") == {}
    for alarm in everything.resources("AWS::CloudWatch::Alarm").values():
        assert alarm.properties["AlarmActions"] == alarm.properties["OKActions"] == [TOPIC]
    assert only(everything, "AWS::SNS::Subscription")["TopicArn"] == everything.outputs()["AlarmTopicArn"] == TOPIC


def test_alarms_and_the_metrics_that_they_pay_for_can_be_left_out(stack, private):
    def with_metrics(loaded):
        settings = only(loaded, "AWS::ApiGateway::Stage")["MethodSettings"]
        return [setting["ResourcePath"] for setting in settings if setting.get("MetricsEnabled") == "true"]

    assert len(stack.resources("AWS::CloudWatch::Alarm")) == 4
    assert with_metrics(stack) == ["/~1v1~1chat~1completions"]
    for type_ in ("AWS::CloudWatch::Alarm", "AWS::SNS::Topic", "AWS::SNS::Subscription"):
        assert private.resources(type_) == {}
    assert with_metrics(private) == []
    assert "AlarmTopicArn" not in private.outputs()


def test_access_logs_hold_ids_and_times_and_no_text(stack, everything):
    assert "AccessLogSetting" not in only(stack, "AWS::ApiGateway::Stage")
    assert "AccessLogGroupName" not in stack.outputs()
    setting = only(everything, "AWS::ApiGateway::Stage")["AccessLogSetting"]
    fields = json.loads(setting["Format"])

    assert setting["DestinationArn"] == everything.arn("AccessLogGroup")
    assert fields["key_id"] == "$context.identity.apiKeyId"
    assert not any("$input" in value or "authorizer" in value or "apiKey}" in value for value in fields.values())


def test_tracing_can_be_switched_off(everything):
    assert {config["Mode"] for config in values(everything, "AWS::Lambda::Function", "TracingConfig").values()} == {
        "PassThrough"
    }
    assert only(everything, "AWS::ApiGateway::Stage")["TracingEnabled"] is False
    for tracing in values(everything, "AWS::StepFunctions::StateMachine", "TracingConfiguration").values():
        assert tracing == {"Enabled": False}


SCRIPTS_NEED = {"ApiId", "ApiKeyId", "FunctionNames", "LogGroupNames", "ModelTableArn", "ModelTableName", "StageArn",
                "UsagePlanId"}  # fmt: skip


def test_scripts_find_everything_in_the_outputs(stack):
    outputs = stack.outputs()

    assert outputs.keys() >= SCRIPTS_NEED
    functions = {function.name for function in stack.resources("AWS::Lambda::Function").values()}
    assert {*outputs["FunctionNames"].split(","), outputs["ReleaseFunctionName"]} == functions
    groups = {group.name for group in stack.resources("AWS::Logs::LogGroup").values()}
    assert set(outputs["LogGroupNames"].split(",")) <= groups


def test_every_parameter_is_described_and_in_one_group(template):
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]

    assert sorted(grouped) == sorted(template["Parameters"])
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"], name
        assert "Default" in parameter, f"{name}: the default deployment asks for nothing"


def with_defaults(stack: Stack, given: dict[str, str]) -> dict[str, Any]:
    """The expanded template with other defaults, by which the linter takes parameters' values."""
    document = json.loads(json.dumps(stack.expanded))
    for name, value in given.items():
        document["Parameters"][name]["Default"] = value
    return document


def test_the_linter_has_nothing_against_it_with_everything_set_and_with_nothing(tmp_path, stack):
    cases = {"nothing": {}, "everything": EVERYTHING, "private": PRIVATE}
    for name, given in cases.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(with_defaults(stack, given)))

    # I4010 is an opinion about Metadata; the template's own Metadata explains the others.
    linter = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", "us-east-1", "eu-central-1"]
    command = [
        *linter,
        "--include-checks",
        "I",
        "--ignore-checks",
        "I4010",
        "W8001",
        "W1031",
        "--",
        *map(str, tmp_path.iterdir()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_hooks_are_called_only_where_the_parameter_names_them_and_by_those_who_call_them(stack, everything):
    assert not stack.resources("AWS::CloudWatch::Alarm").get("HookFailedAlarm")
    assert HOOKS not in str(allowed(stack, "lambda:InvokeFunction"))
    policy = everything.resources("AWS::IAM::Policy")["HookFunctionsPolicy"].properties
    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": [HOOKS]}
    ]
    assert len(policy["Roles"]) == 2
    assert "HookFailedAlarm" in everything.resources("AWS::CloudWatch::Alarm")
