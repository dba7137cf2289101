"""Which stack a command is about, and what is said when there is none."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from tollgate.cli import main
from tollgate.deployment import LOCAL_FILE, Deployment, environment_text, read_environment
from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem

OUTPUTS = {"ModelTableName": "the-table"}


@pytest.fixture
def account(monkeypatch, tmp_path):
    """Credentials and a Region, and no files of the developer's that could give others."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return monkeypatch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder, text=None):
    """Leave the file of a running stack in a folder."""
    environment = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TOLLGATE_CONTROL_URL"), "x")
    environment |= {"AWS_REGION": "us-east-1", "TOLLGATE_OUTPUTS": json.dumps(OUTPUTS), "TOLLGATE_API_KEY": "it's"}
    (folder / LOCAL_FILE.parent).mkdir()
    (folder / LOCAL_FILE).write_text(environment_text(environment) if text is None else text)


def run(*arguments):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result.exit_code, result.stderr


class CloudFormation:
    """Answers DescribeStacks with one stack, or refuses; AWS's clock is an hour before ours."""

    def __init__(self, code=None, message=""):
        self._code, self._message = code, message

    def describe_stacks(self, StackName):  # noqa: N803 -- boto3's name
        if self._code:
            raise ClientError({"Error": {"Code": self._code, "Message": self._message}}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        date = formatdate(time.time() - 3600, usegmt=True)
        return {"Stacks": [{"Outputs": outputs}], "ResponseMetadata": {"HTTPHeaders": {"date": date}}}


def test_a_stacks_outputs_are_read_by_name():
    deployment = Deployment.of_stack("staging", CloudFormation())

    assert (deployment.output("ModelTableName"), deployment.stack) == ("the-table", "staging")
    with pytest.raises(Problem, match="The stack staging has no output ReleaseTableName: it is an older version"):
        deployment.output("ReleaseTableName")


def test_changes_are_timed_by_the_clock_that_all_share():
    assert Deployment.of_stack("staging", CloudFormation()).now() == pytest.approx(time.time() - 3600, abs=2)


@pytest.mark.parametrize(
    "code, message, exit_code, told",
    [
        (
            "ValidationError",
            "Stack with id staging does not exist",
            ExitCode.USAGE,
            "There is no stack 'staging' in us-east-1. Name another with --stack, or use --local.",
        ),
        (
            "AccessDenied",
            "User: arn:aws:iam::1:user/bob is not authorized to perform: cloudformation:DescribeStacks",
            ExitCode.PERMISSION,
            "DescribeStacks: AccessDenied: User: arn:aws:iam::1:user/bob is not authorized to perform: "
            "cloudformation:DescribeStacks\n"
            "Allow whoever runs this the action DescribeStacks; docs/deploy.md has the policy.",
        ),
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            ExitCode.USAGE,
            "DescribeStacks: ExpiredToken: The security token included in the request is expired\n"
            "The credentials are not valid any more: log in again.",
        ),
    ],
)
def test_a_stack_that_cannot_be_looked_at_is_told(account, code, message, exit_code, told):
    with pytest.raises(Problem) as caught:
        Deployment.of_stack("staging", CloudFormation(code, message))

    assert (caught.value.exit_code, str(caught.value)) == (exit_code, told)


def test_without_credentials_or_region_it_is_said_what_to_do(account):
    account.delenv("AWS_ACCESS_KEY_ID")
    assert run("models") == (
        ExitCode.USAGE,
        "Error: AWS cannot be asked: Unable to locate credentials\nLog in, or name a profile that can: AWS_PROFILE.\n",
    )
    account.delenv("AWS_REGION")
    assert run("record", "list") == (
        ExitCode.USAGE,
        "Error: Which Region? Set AWS_REGION, or choose a profile that has one.\n",
    )


def test_the_local_stack_is_found_from_every_folder_of_its_checkout(folder, monkeypatch):
    written(folder)
    (folder / "docs" / "decisions").mkdir(parents=True)
    monkeypatch.chdir(folder / "docs" / "decisions")

    deployment = Deployment.local()
    assert (deployment.outputs, deployment.variable("TOLLGATE_API_KEY")) == (OUTPUTS, "it's")
    with pytest.raises(Problem, match="The local stack has no dynamodb"):
        deployment.client("dynamodb")


def test_where_no_local_stack_runs_it_is_said_how_to_start_one(folder):
    assert run("promote", "apexguru", "--local") == (
        ExitCode.USAGE,
        "Error: No local stack runs in this checkout. Start it: make dev\n",
    )


@pytest.mark.parametrize("text", ["", "TOLLGATE_OUTPUTS={no", "TOLLGATE_OUTPUTS='", "\x00"])
def test_a_broken_file_is_told(folder, text):
    written(folder, text)

    code, error = run("models", "--local")
    assert (code, "is not what `tollgate dev` writes. Delete it" in error) == (ExitCode.USAGE, True)


def test_values_survive_the_file():
    values = {"A": "it's", "B": '{"a": "b c"}', "C": "", "D": "$HOME `x` \\"}

    assert read_environment(environment_text(values)) == values
