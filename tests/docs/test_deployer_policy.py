"""docs/deployer-policy.json allows what CloudFormation does for each resource of the template, and little else.

What it does is in AWS's own schemas of the resource types, which list the actions of creating, reading, updating and
deleting one. They list those of every property; what only properties need that the template has not is named here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.conftest import ROOT
from tollgate.stack import Stack

TEXT = (ROOT / "docs" / "deployer-policy.json").read_text()
POLICY = json.loads(TEXT)
STATEMENTS = {statement["Sid"]: statement for statement in POLICY["Statement"]}
TYPES = sorted(set(Stack.load(ROOT / "template.yaml").types().values()))
LIMIT_OF_A_MANAGED_POLICY = 6144
# Patterns of actions, by type; and why the template's resource does without them.
NOT_NEEDED = {
    "AWS::DynamoDB::Table": (
        # no replicas, import, stream, time to live or policy; items are the operator's
        "dynamodb:*Replica", "dynamodb:*Item", "dynamodb:BatchWriteItem", "dynamodb:Query", "dynamodb:Scan",
        "dynamodb:ImportTable", "dynamodb:*KinesisStreamingDestination", "dynamodb:UpdateTimeToLive",
        "dynamodb:UpdateContributorInsights", "dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy",
        "kinesis:*", "logs:*", "s3:*", "kms:ListAliases", "kms:RevokeGrant", "iam:CreateServiceLinkedRole"),
    "AWS::IAM::Policy": ("iam:*GroupPolicy", "iam:*UserPolicy"),  # for roles only
    "AWS::IAM::Role": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),  # no managed policies
    "AWS::Lambda::Function": (
        # no file systems, aliases, versions, signed code, fixed runtimes or capacity providers
        "elasticfilesystem:*", "s3files:*", "lambda:AssociateRuntimeAlias", "lambda:PublishVersion",
        "lambda:*CodeSigningConfig", "lambda:Put*RecursionConfig", "lambda:Put*ScalingConfig",
        "lambda:PutRuntimeManagementConfig", "lambda:PassCapacityProvider"),
    "AWS::Logs::LogGroup": (
        # no policies of data protection, indexes or resources, and nothing that delivers elsewhere
        "logs:*DataProtectionPolicy", "logs:*IndexPolicy", "logs:DeleteResourcePolicy", "firehose:*",
        "logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection"),
    "AWS::S3::Bucket": (
        # no acceleration, analytics, tiers, inventory, metrics of its own, locks, replication or tables
        "s3:PutAccelerateConfiguration", "s3:PutAnalyticsConfiguration", "s3:PutIntelligentTieringConfiguration",
        "s3:PutInventoryConfiguration", "s3:PutMetricsConfiguration", "s3:PutObject*", "s3:PutReplicationConfiguration",
        "s3tables:*"),
    "AWS::SNS::Subscription": ("iam:*",),  # of Firehose
    "AWS::SNS::Topic": ("iam:*", "sns:PutDataProtectionPolicy"),  # no delivery logs
    "AWS::StepFunctions::StateMachine": ("kms:*",),  # no key of its own
    "AWS::WAFv2::WebACLAssociation": (
        # of an API's stage only
        "amplify:*", "apprunner:*", "appsync:*", "bedrock-agentcore:*", "cognito-idp:*", "ec2:*",
        "elasticloadbalancing:*", "wafv2:PutPermissionPolicy"),
}  # fmt: skip


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def is_allowed(action):
    allowed = [pattern for statement in POLICY["Statement"] for pattern in actions(statement)]
    return any(fnmatchcase(action, pattern) for pattern in allowed)


def done_by_cloudformation(type_):
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema["handlers"]
    done = set()
    for handler in ("create", "read", "update", "delete"):
        done |= set(handlers.get(handler, {}).get("permissions", []))
    return {action for action in done if re.fullmatch(r"[\w-]+:\w+", action)}


def test_types_of_every_optional_resource_are_looked_at():
    assert {"AWS::CloudWatch::Dashboard", "AWS::WAFv2::WebACLAssociation", "AWS::Route53::RecordSet"} <= set(TYPES)
    assert len(TYPES) > 20


@pytest.mark.parametrize("type_", TYPES)
def test_a_resource_can_be_created_changed_and_deleted(type_):
    without = NOT_NEEDED.get(type_, ())
    needed = {a for a in done_by_cloudformation(type_) if not any(fnmatchcase(a, pattern) for pattern in without)}

    assert needed
    assert {action for action in needed if not is_allowed(action)} == set()


@pytest.mark.parametrize("type_", NOT_NEEDED)
def test_every_exception_is_one(type_):
    done = done_by_cloudformation(type_)

    assert [pattern for pattern in NOT_NEEDED[type_] if not any(fnmatchcase(a, pattern) for a in done)] == []


def test_roles_are_passed_to_the_services_that_the_template_has_roles_for():
    roles = Stack.load(ROOT / "template.yaml").resources("AWS::IAM::Role").values()
    services = {
        statement["Principal"]["Service"]
        for role in roles
        for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]
    }
    passing = [statement for statement in POLICY["Statement"] if "iam:PassRole" in actions(statement)]

    assert [set(statement["Condition"]["StringEquals"]["iam:PassedToService"]) for statement in passing] == [services]


def test_roles_functions_and_tables_of_others_are_out_of_reach():
    for sid in ("Roles", "RolesForServices", "Functions", "Table", "Stacks", "AlarmTopic", "AlarmsAndDashboard"):
        resources = STATEMENTS[sid]["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            assert re.search(r"[:/]tollgate\*|aws-sam-cli-managed-default", resource), sid


def test_it_knows_the_layer_of_the_web_adapter():
    function = Stack.load(ROOT / "template.yaml").resources("AWS::Lambda::Function")["StreamFunction"]
    (layer,) = [arn for arn in function.properties["Layers"] if "753240598075" in str(arn)]

    assert fnmatchcase(layer.rpartition(":")[0], STATEMENTS["WebAdapter"]["Resource"])


def test_it_fits_into_a_managed_policy():
    assert len(re.sub(r"\s", "", TEXT)) <= LIMIT_OF_A_MANAGED_POLICY


def test_the_linter_knows_every_action(tmp_path: Path):
    resource = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": POLICY}}
    template = tmp_path / "policy.json"
    template.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": resource}}))

    linter = str(Path(sys.executable).parent / "cfn-lint")
    done = subprocess.run([linter, str(template)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stdout
