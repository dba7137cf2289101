"""An imported model is deleted by hand only if no record names it, no request still uses it, and it is this stack's."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.releases.conftest import by, record, variant
from tollgate_release.exit_codes import ExitCode
from tollgate_release.orphans import find_orphan
from tollgate_release.problems import Problem

NOW = 1_795_000_000.0
ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijk"
OURS = {"tollgate:stack": "tollgate", "tollgate:model": "apexguru"}


class Bedrock:
    """One imported model, `old`, with tags, or nobody who may read them."""

    def __init__(self, tags=OURS):
        self._tags = tags

    def get_imported_model(self, modelIdentifier):  # noqa: N803 -- boto3's name
        if modelIdentifier not in ("old", ARN + "a"):
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetImportedModel")
        units = {"customModelUnitsPerModelCopy": 2}
        created = datetime.fromtimestamp(NOW, UTC)
        return {"modelArn": ARN + "a", "modelName": "old", "creationTime": created, "customModelUnits": units}

    def list_tags_for_resource(self, resourceARN):  # noqa: N803
        assert resourceARN == ARN + "a"
        if self._tags is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListTagsForResource")
        return {"tags": [{"key": key, "value": value} for key, value in self._tags.items()]}


def find(records, name="old", tags=OURS, now=NOW, **more):
    return find_orphan(Bedrock(tags), records, name, stack="tollgate", now=now, **more)


def refused(records, **arguments):
    with pytest.raises(Problem) as caught:
        find(records, **arguments)
    return caught.value.exit_code, str(caught.value)


def test_an_orphan_of_this_stack_may_go(records):
    found = find(records)

    assert (found.name, found.arn, found.units) == ("old", ARN + "a", 2)


def test_what_a_record_names_stays_whatever_its_weight(records):
    records.put(json.dumps(record(variant("v1", 0), variant("v2", 100, "b"))), by(NOW - 5000))

    code, text = refused(records)
    assert (code, "old is what apexguru/v1 points to, so it stays" in text) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    "tags, reason",
    [
        ({}, "It has no tag tollgate:stack=tollgate"),
        ({"tollgate:stack": "staging"}, "It has no tag tollgate:stack=tollgate"),
        (None, "Its tags may not be read"),
    ],
)
def test_what_may_be_anothers_needs_somebody_who_vouches_for_it(records, tags, reason):
    code, text = refused(records, tags=tags)

    assert code == ExitCode.USAGE
    assert reason in text
    assert "--yes-it-is-mine" in text
    assert find(records, tags=tags, is_mine=True).name == "old"


def test_streams_that_began_before_the_record_changed_are_waited_out(records):
    # GIVEN a record that let the variant go a minute ago
    records.put(json.dumps(record(variant("v2", 100, "b"))), by(NOW - 60))

    code, text = refused(records)
    assert code == ExitCode.CHANGED
    assert "changed 60 s ago" in text
    assert "Try again in 930 s" in text
    assert find(records, now=NOW + 931).name == "old"


@pytest.mark.parametrize("arn", [None, ARN + "a"])
def test_what_a_running_release_may_need_stays(records, arn):
    records.releases.put_release("apexguru", "v3", {"stage": "warm", "model_arn": arn})

    assert refused(records)[0] == ExitCode.CHANGED
    records.releases.put_release("apexguru", "v3", {"stage": "done", "model_arn": arn, "version": 1})
    assert find(records).name == "old"


def test_a_name_that_there_is_not_is_told(records):
    assert refused(records, name="nothing") == (
        ExitCode.USAGE, "There is no imported model 'nothing'. These are there: tollgate models"
    )  # fmt: skip
