"""The example's SAM application is a template that AWS's tools take, in every shape that its parameters give it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tollgate.stack import Stack

TEMPLATE = ROOT / "examples" / "hooks" / "template.yaml"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/hook:1"


def load(**parameters):
    return Stack.load(TEMPLATE, parameters)


def test_each_function_has_an_alias_that_records_name():
    stack = load()

    for arn in stack.outputs().values():
        assert arn.endswith(":live")


@pytest.mark.parametrize("value, applied", [("false", "None"), ("true", "PublishedVersions")])
def test_snapstart_is_switched_by_its_parameter(value, applied):
    for function in load(SnapStart=value).resources("AWS::Lambda::Function").values():
        assert function.properties["SnapStart"] == {"ApplyOn": applied}


def test_an_image_takes_the_place_of_the_zip():
    functions = load(ImageUri=IMAGE).resources("AWS::Lambda::Function")

    assert set(functions) == {"ScriptImageFunction", "RulesFunction"}
    assert functions["ScriptImageFunction"].properties["Code"] == {"ImageUri": IMAGE}


def test_the_code_that_it_names_is_there():
    stack = load()

    for function in stack.resources("AWS::Lambda::Function").values():
        module, _, handler = function.properties["Handler"].rpartition(".")
        folders = [stack.code_path(function.properties["Code"]), ROOT / "layers" / "hooks" / "python"]
        files = [Path(folder) / f"{module}.py" for folder in folders]
        assert any(file.is_file() and f"def {handler}(" in file.read_text() for file in files)


@pytest.mark.uncounted
def test_cfn_lint_finds_nothing(tmp_path):
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", "us-east-1", "--", str(TEMPLATE)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
