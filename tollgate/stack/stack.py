"""One template, read, expanded by AWS's own SAM translator, and resolved to names on this machine."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate.account import ACCOUNT_ID, REGION
from tollgate.stack.definitions import DefinitionError, read_definition
from tollgate.stack.intrinsics import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ARN_RESOURCE = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::LayerVersion": "lambda:{region}:{account}:layer:{name}:1",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
_REF_IS_ARN = ("AWS::Lambda::LayerVersion", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")
_NAME_PROPERTIES = ("FunctionName", "StateMachineName", "TableName", "RoleName", "LayerName", "LogGroupName",
                    "BucketName", "TopicName", "StageName")  # fmt: skip
# SAM wants code in S3. The key is the local path, so that it comes back out of the transformed template.
_LOCAL_BUCKET = "local"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the stack, its intrinsic functions resolved; `name` is its name on this machine."""

    logical_id: str
    type: str
    name: str
    properties: dict[str, Any]


class Stack:
    """One stack: the expanded template with values for its parameters.

    `file` is the template's file name, `root` the folder that its relative paths start from.
    """

    def __init__(self, path: Path, document: dict[str, Any], parameters: Mapping[str, Any], name: str) -> None:
        self.file = path.name
        self.root = path.resolve().parent
        self.name = name
        self._document = document
        self._resources: dict[str, Any] = document["Resources"]
        self._parameters = parameters
        self._pseudo_parameters = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._resolver = Resolver(self)

    @classmethod
    def load(cls, path: Path, parameters: Mapping[str, str] | None = None, name: str = "tollgate") -> Stack:
        """Read and expand a template, as written or as `sam build` leaves it.

        Raises:
            DefinitionError: the template is broken or uses what cannot be resolved locally.
        """
        document = read_definition(path)
        if not isinstance(document.get("Resources"), dict):
            raise DefinitionError(path.name, "has no Resources")
        values = _parameter_values(path.name, document.get("Parameters", {}), parameters or {})
        _inline_local_files(document, path.resolve().parent, path.name)
        return cls(path, _transform(document, values, path.name), values, name)

    def resources(self, type_: str) -> dict[str, Resource]:
        """The resources of one CloudFormation type by logical id, without those whose condition is false."""
        found = {}
        for logical_id, raw in self._resources.items():
            if raw["Type"] == type_ and self._exists(raw):
                properties = self._resolver.resolve(raw.get("Properties", {}), f"Resources.{logical_id}")
                found[logical_id] = Resource(logical_id, type_, self.physical_id(logical_id), properties)
        return found

    def types(self) -> dict[str, str]:
        """The CloudFormation types of all resources by logical id."""
        return {logical_id: raw["Type"] for logical_id, raw in self._resources.items()}

    def outputs(self) -> dict[str, Any]:
        """The values of the stack's outputs by name, without those whose condition is false."""
        outputs = {}
        for name, raw in self._document.get("Outputs", {}).items():
            if self._exists(raw):
                outputs[name] = self._resolver.resolve(raw["Value"], f"Outputs.{name}")
        return outputs

    @property
    def expanded(self) -> dict[str, Any]:
        """The template as AWS's SAM translator leaves it, with its intrinsic functions; not to be changed."""
        return self._document

    def code_path(self, location: Any) -> Path | None:
        """The local folder of a function's `Code` or a layer's `Content`; None when it is not on this machine."""
        if isinstance(location, dict) and location.get("S3Bucket") == _LOCAL_BUCKET:
            return self.root / str(location["S3Key"])
        return None

    def physical_id(self, logical_id: str) -> str:
        """The name that a resource has on this machine."""
        properties = self._resources[logical_id].get("Properties", {})
        for key in _NAME_PROPERTIES:
            if key in properties:
                return str(self._resolver.resolve(properties[key], f"Resources.{logical_id}.{key}"))
        name = f"{self.name}-{logical_id}"
        return name.lower() if self._resources[logical_id]["Type"] == "AWS::S3::Bucket" else name

    def ref(self, name: str) -> Any:
        """The value of `Ref`; raises KeyError for an unknown name."""
        for known in (self._pseudo_parameters, self._parameters):
            if name in known:
                return known[name]
        if self._resources[name]["Type"] in _REF_IS_ARN:
            return self.arn(name)
        return self.physical_id(name)

    def attribute(self, name: str, attribute: str) -> Any:
        """The value of `Fn::GetAtt`; raises KeyError for an unknown name or attribute."""
        if attribute in ("Arn", "TopicArn", "LayerVersionArn"):
            return self.arn(name)
        if attribute == "Name":
            return self.physical_id(name)
        if attribute in ("RegionalDomainName", "RegionalHostedZoneId"):  # where AWS serves a custom domain name
            return f"{name}.{attribute}.example"
        raise KeyError(attribute)

    def arn(self, logical_id: str) -> str:
        """The ARN of a resource; raises KeyError for types that have none here."""
        pattern = _ARN_RESOURCE[self._resources[logical_id]["Type"]]
        return "arn:aws:" + pattern.format(region=REGION, account=ACCOUNT_ID, name=self.physical_id(logical_id))

    def mapping(self, name: str) -> dict[str, Any]:
        """An entry of `Mappings`."""
        found: dict[str, Any] = self._document["Mappings"][name]
        return found

    def condition(self, name: str) -> Any:
        """The expression of a condition."""
        return self._document["Conditions"][name]

    def _exists(self, raw: dict[str, Any]) -> bool:
        name = raw.get("Condition")
        return name is None or bool(self._resolver.resolve({"Condition": name}, f"Conditions.{name}"))


def _parameter_values(file: str, declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    for name in given:
        if name not in declared:
            known = ", ".join(sorted(declared))
            raise DefinitionError(file, f"has no parameter {name!r}; it has {known}")
    values: dict[str, Any] = {}
    for name, definition in declared.items():
        if name not in given and "Default" not in definition:
            raise DefinitionError(file, f"parameter {name} has no default: give it a value")
        values[name] = _parameter_value(f"{file}: Parameters.{name}", definition, given.get(name))
    return values


def _parameter_value(place: str, definition: Mapping[str, Any], given: str | None) -> Any:
    kind = definition.get("Type", "String")
    if given is None and kind.startswith("AWS::SSM::"):
        raise DefinitionError(place, f"the type {kind} cannot be read locally: give the parameter a value")
    value = definition["Default"] if given is None else given
    allowed = definition.get("AllowedValues")
    if allowed is not None and str(value) not in map(str, allowed):
        raise DefinitionError(place, f"{value!r} is not one of {', '.join(map(str, allowed))}")
    pattern = definition.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, str(value)):
        raise DefinitionError(place, f"{value!r} does not have the form {pattern}")
    if kind != "CommaDelimitedList" and not kind.startswith("List<"):
        return str(value)
    if value == "":
        return []
    return [item.strip() for item in str(value).split(",")]


def _inline_local_files(document: dict[str, Any], root: Path, file: str) -> None:
    """Put the files that the template points to into it, as a deployment does."""
    function_globals = document.get("Globals", {}).get("Function", {})
    if "CodeUri" in function_globals:
        function_globals["CodeUri"] = _local_uri(function_globals["CodeUri"])
    for logical_id, resource in document["Resources"].items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise DefinitionError(f"{file}: Resources.{logical_id}", "has no Type")
        properties = resource.get("Properties", {})
        for key in ("CodeUri", "ContentUri"):
            if key in properties:
                properties[key] = _local_uri(properties[key])
        if isinstance(uri := properties.get("DefinitionUri"), str):
            is_machine = resource["Type"] == "AWS::Serverless::StateMachine"
            properties["Definition" if is_machine else "DefinitionBody"] = read_definition(root / uri)
            del properties["DefinitionUri"]
        if (included := _include(properties.get("DefinitionBody"))) is not None:
            properties["DefinitionBody"] = read_definition(root / included)


def _local_uri(path: Any) -> str:
    return f"s3://{_LOCAL_BUCKET}/{str(path).rstrip('/')}"


def _include(body: Any) -> str | None:
    transform = body.get("Fn::Transform") if isinstance(body, dict) else None
    if isinstance(transform, dict) and transform.get("Name") == "AWS::Include":
        return str(transform["Parameters"]["Location"])
    return None


class _NoManagedPolicies:
    """Stands in for the managed policies that SAM asks IAM for; the stack writes all its statements out."""

    def load(self) -> dict[str, str]:
        return {}


def _transform(document: dict[str, Any], parameters: Mapping[str, Any], file: str) -> dict[str, Any]:
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform

    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # the translator asks boto3 for the Region
    try:
        transformed: dict[str, Any] = transform(document, dict(parameters), _NoManagedPolicies())
    except InvalidDocumentException as error:
        causes = " ".join(str(cause.message) for cause in error.causes)
        raise DefinitionError(file, f"SAM refuses it: {causes or error.message}") from error
    return transformed
