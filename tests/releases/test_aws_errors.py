"""Every error that AWS may answer to an import's operations has its end, as the table in docs/releases.md says."""

from __future__ import annotations

import re

import boto3
import pytest

from tests.conftest import ROOT
from tests.releases.fake_aws import Aws
from tests.releases.test_release import REQUEST, go

USED = ("CreateModelImportJob", "GetModelImportJob", "GetImportedModel", "ListImportedModels", "ListModelImportJobs",
        "ListTagsForResource", "DeleteImportedModel")  # fmt: skip
_PAGE = (ROOT / "docs/releases.md").read_text()
ROWS = re.findall(r"^\| (`\w+Exception`(?:, `\w+Exception`)*) \| .* \| (\d+) \|$", _PAGE, re.MULTILINE)
TABLE = {code: int(exit_code) for codes, exit_code in ROWS for code in re.findall(r"`(\w+)`", codes)}


@pytest.fixture
def aws(dynamodb, models, releases):
    aws = Aws(dynamodb, models, releases)
    aws.put_artifacts()
    return aws


def test_the_table_has_every_error_of_the_operations_models():
    model = boto3.client("bedrock", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b").meta.service_model

    modelled = {shape.name for name in USED for shape in model.operation_model(name).error_shapes}

    assert modelled == TABLE.keys()


@pytest.mark.parametrize("code", TABLE)
def test_an_error_of_the_import_that_lasts_ends_as_the_table_says(aws, code):
    aws.deny["create_model_import_job"] = code

    answer = go(aws, {**REQUEST, "queue": "1h"})

    assert answer["result"] == "failed"
    assert answer["exit_code"] == TABLE[code]
    assert code in answer["message"]
    # AND nothing was made
    assert (aws.jobs, aws.imported) == ({}, {})


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
@pytest.mark.parametrize("operation", ["create_model_import_job", "get_model_import_job", "get_imported_model"])
def test_an_error_that_passes_is_waited_out(aws, code, operation):
    times = []

    def mend(step):
        times.append(step)
        if len(times) == 6:
            aws.deny.clear()

    aws.deny[operation] = code

    assert go(aws, at_step=mend)["result"] == "promoted"
