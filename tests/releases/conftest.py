"""The tables of a stack in moto, in this process."""

from __future__ import annotations

import itertools

import boto3
import pytest
from moto import mock_aws

from tollgate_release.changes import Author, RecordChanges
from tollgate_release.model_table import ModelTable
from tollgate_release.release_table import ReleaseTable

ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijk"
ALICE = "arn:aws:iam::123456789012:user/alice"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def dynamodb():
    aws = mock_aws()
    # A local stack of other tests may hold its tables in the same process's moto.
    aws.start(reset=False)
    yield boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local")
    aws.stop(remove_data=False)


def _create(dynamodb, name, *keys):
    kinds = ("HASH", "RANGE")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)],
    )
    return name


@pytest.fixture
def models(dynamodb):
    return ModelTable(dynamodb, _create(dynamodb, f"models-{next(_numbers)}", "model"))


@pytest.fixture
def releases(dynamodb):
    return ReleaseTable(dynamodb, _create(dynamodb, f"releases-{next(_numbers)}", "subject", "entry"))


@pytest.fixture
def records(models, releases):
    return RecordChanges(models, releases)


def by(now=1_795_000_000.0, who=ALICE):
    return Author(who, now)


def variant(name, weight, letter="a", **fields):
    return {"name": name, "weight": weight, "model_id": ARN + letter, "body_format": "openai", **fields}


def record(*variants, model="apexguru"):
    return {"model": model, "variants": list(variants)}
