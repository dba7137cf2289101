"""The expanded template: SAM's translator, CloudFormation's intrinsic functions, local names."""

from __future__ import annotations

import textwrap

import pytest

from tests.dev.conftest import STACK
from tollgate.stack import Stack
from tollgate.stack.definitions import DefinitionError

VALUES = """
Parameters:
  Words: { Type: CommaDelimitedList, Default: "a, b" }
  Size: { Type: String, Default: small, AllowedValues: [small, large] }
Mappings:
  Sizes: { us-east-1: { small: 1, large: 2 } }
Conditions:
  IsLarge: !Equals [!Ref Size, large]
  IsOther: !And [!Not [!Condition IsLarge], !Or [!Condition IsLarge, !Equals [a, b]]]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      Value: %s
  OnlyLarge:
    Type: AWS::S3::Bucket
    Condition: IsLarge
"""


def _stack(tmp_path, expression, **parameters):
    template = tmp_path / "template.yaml"
    template.write_text(textwrap.dedent(VALUES) % expression)
    return Stack.load(template, parameters)


@pytest.mark.parametrize(
    "expression, value",
    [
        ("!Ref Size", "small"),
        ("!Ref Words", ["a", "b"]),
        ("!Ref AWS::Region", "us-east-1"),
        # S3 takes no upper case in a bucket's name, so the names that it would get are lower-case.
        ("!Ref Bucket", "tollgate-bucket"),
        ("!GetAtt Bucket.Arn", "arn:aws:s3:::tollgate-bucket"),
        ('!Sub "${AWS::Partition}/${Size}/${Bucket.Arn}/${!Kept}"', "aws/small/arn:aws:s3:::tollgate-bucket/${Kept}"),
        ('!Sub ["${X}-${Size}", { X: !Ref AWS::AccountId }]', "123456789012-small"),
        ('!Join ["+", !Ref Words]', "a+b"),
        ("!Select [1, !Ref Words]", "b"),
        ('!Split ["l", !Ref Size]', ["sma", "", ""]),
        ("!FindInMap [Sizes, !Ref AWS::Region, !Ref Size]", 1),
        ("!If [IsLarge, yes it is, no]", False),
        ("!If [IsOther, x, y]", "y"),
        ("[1, !If [IsLarge, 2, !Ref AWS::NoValue]]", [1]),
        ("2012-10-17", "2012-10-17"),
    ],
)
def test_intrinsic_functions_have_their_values(tmp_path, expression, value):
    stack = _stack(tmp_path, expression)

    assert stack.resources("AWS::S3::Bucket")["Bucket"].properties["Value"] == value


def test_a_resource_whose_condition_is_false_is_not_there(tmp_path):
    assert list(_stack(tmp_path, "x").resources("AWS::S3::Bucket")) == ["Bucket"]
    assert list(_stack(tmp_path, "x", Size="large").resources("AWS::S3::Bucket")) == ["Bucket", "OnlyLarge"]


@pytest.mark.parametrize(
    "parameters, words",
    [({"Sise": "x"}, "no parameter 'Sise'"), ({"Size": "huge"}, "'huge' is not one of small, large")],
)
def test_a_wrong_parameter_is_named(tmp_path, parameters, words):
    with pytest.raises(DefinitionError, match=words):
        _stack(tmp_path, "x", **parameters)


def test_a_parameter_without_a_value_is_named(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text("Parameters: { Name: { Type: String } }\nResources: {}\n")

    with pytest.raises(DefinitionError, match="Name has no default"):
        Stack.load(template)


def test_dynamic_references_are_refused(tmp_path):
    with pytest.raises(DefinitionError, match="resolve:ssm"):
        _stack(tmp_path, "'{{resolve:ssm:name}}'").resources("AWS::S3::Bucket")


def test_functions_and_layers_keep_their_local_directories():
    stack = Stack.load(STACK / "template.yaml")
    worker = stack.resources("AWS::Lambda::Function")["Worker"]
    (layer,) = stack.resources("AWS::Lambda::LayerVersion").values()

    assert stack.code_path(worker.properties["Code"]) == STACK / "functions" / "worker"
    assert stack.code_path(layer.properties["Content"]) == STACK / "layer"
    assert stack.arn(layer.logical_id) in worker.properties["Layers"]


def test_outputs_are_resolved():
    assert Stack.load(STACK / "template.yaml", name="mine").outputs() == {"Url": "https://mine-Api.example/mine"}


def test_an_output_whose_condition_is_false_is_not_there(tmp_path):
    template = tmp_path / "template.yaml"
    lines = [
        "Outputs:",
        "  Large: { Condition: IsLarge, Value: !Ref OnlyLarge }",
        "  Always: { Value: !Ref Bucket }",
        "",
    ]
    template.write_text(textwrap.dedent(VALUES) % "x" + "\n".join(lines))

    assert list(Stack.load(template).outputs()) == ["Always"]
    assert list(Stack.load(template, {"Size": "large"}).outputs()) == ["Large", "Always"]
