"""`tollgate models`: every variant has a row with its state, and every imported model that no record names another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.releases.conftest import ALICE, record, variant
from tollgate_release.last_use import LastUse, last_uses
from tollgate_release.model_table import StoredRecord
from tollgate_release.overview import ImportedModel, Place, drift, imported_models, overview, warmth
from tollgate_release.release_table import Change

NOW = 1_795_000_000.0
ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijk"
HERE = Place.of("arn:aws:dynamodb:us-east-1:123456789012:table/tollgate-ModelTable")


def stored(*variants, releasing=None):
    return StoredRecord("apexguru", record(*variants), 1, int(NOW), ALICE, releasing)


def imported(letter, units=1):
    return ImportedModel(ARN + letter, f"model-{letter}", NOW - 3600, units)


def rows(*records, models=(), changes=()):
    return overview(list(records), list(models), HERE, lambda model: list(changes))


def states(*records, models=()):
    return [(row.variant, row.weight, row.state) for row in rows(*records, models=models)]


def test_weight_and_release_tell_the_state():
    two = (variant("v1", 75), variant("v2", 25, "b"))
    both = (imported("a"), imported("b"))

    assert states(stored(*two, releasing="apexguru/v2"), models=both) == [("v1", 75, "live"), ("v2", 25, "canary")]
    assert states(stored(*two), models=both) == [("v1", 75, "live"), ("v2", 25, "live")]
    waiting = (variant("v1", 0), variant("v2", 100, "b"))
    assert states(stored(*waiting), models=both) == [("v2", 100, "live"), ("v1", 0, "standby")]


def test_what_no_record_names_is_an_orphan_and_what_a_record_names_in_vain_is_missing():
    found = rows(stored(variant("v1", 100), variant("v2", 0, "b")), models=[imported("b"), imported("z", units=2)])

    assert [(row.variant, row.state) for row in found] == [("v1", "missing"), ("v2", "standby"), (None, "orphan")]
    assert found[2].imported.units == 2
    assert drift(found) == [f"apexguru/v1 (weight 100) points to {ARN}a, which is gone."]


@pytest.mark.parametrize(
    "place, state",
    [
        ({"model_id": ARN.replace("123456789012", "444455556666") + "a"}, "live"),
        ({"model_id": ARN.replace("us-east-1", "us-west-2") + "a"}, "live"),
        ({"model_id": "meta.llama3-8b-instruct-v1:0"}, "live"),
        ({"model_id": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/old"}, "sagemaker"),
        ({"backend": "sagemaker", "endpoint_name": "old"}, "sagemaker"),
    ],
)
def test_what_cannot_be_seen_from_here_is_no_drift(place, state):
    found = rows(stored({"name": "v1", "weight": 100, **place}))

    assert [row.state for row in found] == [state]
    assert drift(found) == []


def test_without_the_list_of_imported_models_nothing_is_missing_and_no_orphan():
    (row,) = overview([stored(variant("v1", 100))], None, HERE, lambda model: [])

    assert (row.state, row.imported) == ("live", None)


def test_who_brought_a_variant_is_told_by_the_last_change_that_did():
    changes = [
        Change(NOW - 10, "carol", "promote", 4, {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}),
        Change(NOW - 20, "bob", "put", 3, {"v1": 100}, {"v1": 100, "v2": 0}),
        Change(NOW - 30, "alice", "put", 1, {}, {"v1": 100}),
    ]
    found = rows(stored(variant("v1", 0), variant("v2", 100, "b"), variant("v3", 0, "c")), changes=changes)

    assert {row.variant: row.brought_by for row in found} == {"v2": "bob", "v1": "alice", "v3": None}


class Pages:
    """A client's operation in pages; a page that is an exception is raised."""

    def __init__(self, pages):
        self.pages, self.asked = pages, []

    def paginate(self, **arguments):
        self.asked.append(arguments)
        for page in self.pages(arguments) if callable(self.pages) else self.pages:
            if isinstance(page, Exception):
                raise page
            yield page


def denied(operation):
    error = {"Code": "AccessDeniedException", "Message": f"not authorized to perform: bedrock:{operation}"}
    return ClientError({"Error": error}, operation)


class Bedrock:
    """Imported models in pages of one; `refuses` is what GetImportedModel raises."""

    def __init__(self, letters, refuses=None):
        self._letters, self._refuses = letters, refuses
        self.asked = 0

    def get_paginator(self, operation):
        assert operation == "list_imported_models"
        if isinstance(self._letters, Exception):
            return Pages([self._letters])
        created = datetime.fromtimestamp(NOW, UTC)
        summaries = [{"modelArn": ARN + x, "modelName": f"model-{x}", "creationTime": created} for x in self._letters]
        return Pages([{"modelSummaries": [summary]} for summary in summaries])

    def get_imported_model(self, modelIdentifier):  # noqa: N803 -- boto3's name
        self.asked += 1
        if self._refuses is not None:
            raise self._refuses
        return {"customModelUnits": {"customModelUnitsPerModelCopy": 2}}


def test_all_pages_of_imported_models_are_read():
    problems: list[str] = []
    found = imported_models(Bedrock("abc"), problems)

    assert [(one.name, one.units) for one in found] == [("model-a", 2), ("model-b", 2), ("model-c", 2)]
    assert problems == []


def test_a_denied_list_is_told_and_leaves_everything_unknown():
    problems: list[str] = []

    assert imported_models(Bedrock(denied("ListImportedModels")), problems) is None
    (problem,) = problems
    assert problem.startswith("ListImportedModels: AccessDeniedException: not authorized to perform: bedrock:List")
    assert "\nAllow whoever runs this the action ListImportedModels" in problem


def test_denied_units_are_told_once_and_are_unknown():
    problems: list[str] = []
    bedrock = Bedrock("abc", refuses=denied("GetImportedModel"))

    assert [one.units for one in imported_models(bedrock, problems)] == [None, None, None]
    assert (len(problems), bedrock.asked) == (1, 1)


def test_a_model_that_is_deleted_meanwhile_is_not_listed():
    gone = ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetImportedModel")

    assert imported_models(Bedrock("ab", refuses=gone), []) == []


class CloudWatch:
    """Answers with the values of metrics by model, variant and name: times in seconds before now."""

    def __init__(self, ages):
        self._ages = ages
        self.questions = []

    def get_paginator(self, operation):
        assert operation == "get_metric_data"
        return Pages(self._answer)

    def _answer(self, question):
        self.questions.append(question)
        for query in question["MetricDataQueries"]:
            metric, period = query["MetricStat"]["Metric"], query["MetricStat"]["Period"]
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            assert (dimensions["stack"], metric["Namespace"]) == ("tollgate", "Tollgate")
            key = (dimensions["model"], dimensions["variant"], metric["MetricName"])
            times = [datetime.fromtimestamp((NOW - age) // period * period, UTC) for age in self._ages.get(key, [])]
            times = [at for at in times if question["StartTime"] <= at < question["EndTime"]]
            result = {"Id": query["Id"], "Timestamps": times, "Values": [1.0] * len(times)}
            # A result may go on in a further page.
            yield {"MetricDataResults": [{**result, "Timestamps": times[:1], "Values": [1.0] * len(times[:1])}]}
            yield {"MetricDataResults": [{**result, "Timestamps": times[1:], "Values": [1.0] * len(times[1:])}]}


V1, V2, V3 = (("apexguru", name) for name in ("v1", "v2", "v3"))


def test_the_last_use_is_told_to_the_minute_then_to_the_hour():
    ages = {(*V1, "Requests"): [7200.0, 90.0], (*V2, "Requests"): [5 * 86400.0]}
    found = last_uses(CloudWatch(ages), "tollgate", [V1, V2, V3], NOW)

    assert 90 <= NOW - found[V1].by_clients < 150
    assert 5 * 86400 <= NOW - found[V2].by_clients < 5 * 86400 + 3600
    assert found[V3] == LastUse(None, None)


def test_a_ping_makes_a_model_warm_but_is_no_clients():
    uses = last_uses(
        CloudWatch({(*V1, "KeepWarmPings"): [30.0], (*V2, "Requests"): [600.0]}), "tollgate", [V1, V2], NOW
    )
    found = rows(stored(variant("v1", 100), variant("v2", 0, "b")), models=[imported("a"), imported("b")])

    assert uses[V1].by_clients is None
    assert [warmth(row, uses, NOW) for row in found] == ["likely", "no"]


def test_a_silent_cloudwatch_is_unknown_and_not_never():
    (row,) = rows(stored(variant("v1", 100)), models=[imported("a")])

    assert last_uses(CloudWatch({}), "tollgate", [V1, V2], NOW) == {}
    assert warmth(row, {}, NOW) == "unknown"


def test_a_name_that_cloudwatch_would_not_take_is_not_asked_for():
    odd = ("apexguru", "größe")
    cloudwatch = CloudWatch({(*V1, "Requests"): [60.0]})

    assert set(last_uses(cloudwatch, "tollgate", [V1, odd], NOW)) == {V1}


def test_many_variants_are_asked_for_in_several_questions():
    many = [("apexguru", f"v{number}") for number in range(400)]
    cloudwatch = CloudWatch({(*many[399], "Requests"): [60.0]})

    assert last_uses(cloudwatch, "tollgate", many, NOW)[many[399]].by_clients is not None
    assert max(len(question["MetricDataQueries"]) for question in cloudwatch.questions) == 500
