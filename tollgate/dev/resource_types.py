"""The types of resources that a local stack may have; a stack with any other is refused when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate.stack import DefinitionError

if TYPE_CHECKING:
    from tollgate.stack import Stack

# The resource types that the runner brings to life.
_RUN = {"AWS::ApiGateway::ApiKey", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::ApiGateway::UsagePlan",
        "AWS::ApiGateway::UsagePlanKey", "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::Lambda::LayerVersion",
        "AWS::Events::Rule", "AWS::S3::Bucket", "AWS::Scheduler::ScheduleGroup",
        "AWS::StepFunctions::StateMachine"}  # fmt: skip
# The resource types that change nothing which one machine can show. They are left out.
_WITHOUT_EFFECT = {"AWS::ApiGateway::Account", "AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::Deployment",
                   "AWS::ApiGateway::DomainName", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard",
                   "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Key",
                   "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter",
                   "AWS::Route53::RecordSet", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::Topic",
                   "AWS::SNS::TopicPolicy", "AWS::WAFv2::WebACLAssociation"}  # fmt: skip


def refuse_unknown_types(stack: Stack) -> None:
    """Raise DefinitionError for a resource that the runner would otherwise leave out in silence."""
    for logical_id, type_ in stack.types().items():
        if type_ not in _RUN and type_ not in _WITHOUT_EFFECT:
            place = f"{stack.file}: Resources.{logical_id}"
            raise DefinitionError(place, f"the type {type_} is not implemented by the local runner")
