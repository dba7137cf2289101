"""A release from its artifacts to all requests, or back: on a small AWS and a virtual clock."""

from __future__ import annotations

import json

import pytest

from tests.releases.conftest import by, record, variant
from tests.releases.fake_aws import BUCKET, EXECUTION, Aws, DiedError
from tollgate_release.exit_codes import ExitCode
from tollgate_release.release import Release
from tollgate_release.steps import run
from tollgate_release.weights import weights

pytestmark = pytest.mark.slow

SOURCE = f"s3://{BUCKET}/apexguru/v2/"
GOLDEN = [{"name": "one", "request": {"messages": []}, "expect": {"contains": ["Finding"]}}]
REQUEST = {"model": "apexguru", "source": SOURCE, "steps": "25,100", "interval": "10m", "golden": GOLDEN,
           "execution_arn": EXECUTION}  # fmt: skip
STABLE = record(variant("v1", 100))
_MOST_STEPS = 2000


@pytest.fixture
def aws(dynamodb, models, releases):
    aws = Aws(dynamodb, models, releases)
    aws.put_artifacts()
    return aws


def put_stable(aws):
    aws.models.put(STABLE, revision=0, who="alice", now=aws.now)


def go(aws, message=None, step="begin", at_step=None):
    """Run steps to the end; `at_step` is called with the name of each step before it is run."""
    answer = message or REQUEST
    for _ in range(_MOST_STEPS):
        if at_step is not None:
            at_step(step)
        answer = run(step, answer, aws.now, aws.services())
        step = answer["next"]
        if step == "done":
            return answer
        aws.now += max(0.5, answer["wait_seconds"])
    raise AssertionError("the release goes on and on")


def shares(aws):
    return weights(aws.models.get("apexguru").record)


def the_release(aws, name="v2"):
    return Release.from_json(aws.releases.get_release("apexguru", name))


def test_a_first_release_serves_after_its_smoke_test(aws):
    answer = go(aws)

    stored = aws.models.get("apexguru")
    assert (answer["result"], answer["exit_code"]) == ("promoted", 0)
    assert (shares(aws), stored.releasing) == ({"v2": 100}, None)
    assert [event["stage"] for event in the_release(aws).events] == [
        "check", "importing", "imported", "warming", "warm", "tested", "promoted"]  # fmt: skip
    (imported,) = aws.imported.values()
    assert stored.record["variants"][0]["model_id"] == imported["modelArn"]
    assert imported["tags"]["tollgate:stack"] == "stack"


def test_the_same_artifacts_again_are_a_duplicate(aws):
    go(aws)
    calls = aws.calls
    answer = go(aws)

    assert (answer["result"], answer["exit_code"], answer["revision"]) == ("duplicate", 0, 2)
    assert aws.calls - calls < 10


def test_a_good_canary_takes_all_steps_and_is_promoted(aws):
    put_stable(aws)
    seen = []
    answer = go(aws, at_step=lambda _: seen.append(tuple(shares(aws).values())))

    assert answer["result"] == "promoted"
    assert list(dict.fromkeys(seen)) == [(100,), (100, 0), (75, 25), (0, 100)]
    assert (shares(aws), aws.models.get("apexguru").releasing) == ({"v1": 0, "v2": 100}, None)
    (schedule,) = aws.schedules
    assert json.loads(schedule["Target"]["Input"]) == {"next": "retire", "model": "apexguru", "release": "v2"}
    assert schedule["ActionAfterCompletion"] == "DELETE"


def test_both_variants_are_kept_warm_while_they_are_compared(aws):
    put_stable(aws)
    go(aws)

    assert {"apexguru@v1", "apexguru@v2"} == set(aws.pings)
    assert len(aws.pings) >= 8


def test_a_migration_from_an_endpoint_is_a_canary(aws):
    """GIVEN a stable variant on an endpoint, WHEN its model is imported, THEN it takes over; the endpoint stays."""
    endpoint = {"name": "sagemaker", "backend": "sagemaker", "endpoint_name": "apexguru-prod", "body_format": "openai"}
    aws.models.put(record({**endpoint, "weight": 100}), revision=0, who="alice", now=aws.now)
    answer = go(aws)

    assert (answer["result"], shares(aws)) == ("promoted", {"sagemaker": 0, "v2": 100})
    assert aws.models.get("apexguru").record["variants"][1]["backend"] == "bedrock"
    assert aws.schedules == []


def test_a_bad_canary_is_rolled_back_and_the_record_is_free(aws):
    put_stable(aws)
    aws.failing = {"v2": 0.9}
    answer = go(aws)

    assert (answer["result"], answer["exit_code"]) == ("rolled_back", ExitCode.ROLLED_BACK)
    assert "The canary failed:" in answer["message"]
    assert (shares(aws), aws.models.get("apexguru").releasing) == ({"v1": 100, "v2": 0}, None)


@pytest.mark.parametrize("if_quiet, result", [("hold", "held"), ("replay", "promoted"), ("promote", "promoted")])
def test_a_quiet_canary_is_held_unless_something_else_is_wanted(aws, if_quiet, result):
    put_stable(aws)
    aws.requests_per_second = 0.001
    answer = go(aws, {**REQUEST, "if_quiet": if_quiet, "tolerance": "10%", "max_duration": "2h"})

    assert answer["result"] == result
    assert answer["exit_code"] == (ExitCode.HELD if result == "held" else 0)
    assert shares(aws) == ({"v1": 100, "v2": 0} if result == "held" else {"v1": 0, "v2": 100})


def test_a_replay_that_fails_rolls_back(aws):
    put_stable(aws)
    aws.requests_per_second = 0
    answer = go(
        aws,
        {**REQUEST, "if_quiet": "replay", "tolerance": "10%"},
        at_step=lambda step: aws.broken.add("v2") if step == "judge" else None,
    )

    assert (answer["result"], answer["exit_code"]) == ("rolled_back", ExitCode.ROLLED_BACK)


def test_artifacts_that_an_import_would_refuse_are_refused_before_it(aws):
    del aws.objects["apexguru/v2/tokenizer.json"]
    answer = go(aws)

    assert (answer["result"], answer["exit_code"]) == ("failed", ExitCode.ARTIFACTS)
    assert "tokenizer" in answer["message"]
    assert (aws.jobs, aws.models.get("apexguru")) == ({}, None)


def test_a_release_waits_in_line_behind_other_imports(aws):
    aws.others_import = 3
    answer = go(aws)

    assert answer["result"] == "promoted"
    assert "behind theirs" in json.dumps(the_release(aws).events)


def test_a_full_account_says_what_may_go(aws):
    aws.quota = 0
    answer = go(aws)

    assert answer["exit_code"] == ExitCode.PERMISSION
    assert "tollgate models --delete NAME" in answer["message"]


def test_awss_words_about_a_failed_import_are_passed_on(aws):
    aws.import_failure = "The tokenizer class MyTokenizer is not supported."
    answer = go(aws)

    assert answer["exit_code"] == ExitCode.IMPORT
    assert '"The tokenizer class MyTokenizer is not supported."' in answer["message"]
    assert "--attempt 2" in answer["message"]
    assert aws.models.get("apexguru") is None


def test_a_golden_prompt_that_fails_keeps_the_model_from_clients(aws):
    put_stable(aws)
    aws.answer = "Nothing"
    answer = go(aws)

    assert answer["exit_code"] == ExitCode.SMOKE_TEST
    assert "1 of 1 golden prompts failed: one: the answer lacks 'Finding'" in answer["message"]
    assert (shares(aws), aws.models.get("apexguru").releasing) == ({"v1": 100, "v2": 0}, None)


def test_a_first_release_that_fails_leaves_no_record(aws):
    aws.broken = {"v2"}
    answer = go(aws)

    assert answer["exit_code"] == ExitCode.SMOKE_TEST
    assert aws.models.get("apexguru") is None


def test_a_model_that_never_gets_ready_is_given_up(aws):
    aws.cold_asks = 10_000
    answer = go(aws)

    assert answer["exit_code"] == ExitCode.SMOKE_TEST
    assert "within 20 min" in answer["message"]


def test_a_record_changed_by_hand_is_not_overwritten(aws):
    """GIVEN a canary, WHEN somebody writes the record past all tools, THEN the release touches nothing more."""
    put_stable(aws)
    by_hand = record(variant("v1", 100), variant("v9", 0, "c"))

    def change(step):
        stored = aws.models.get("apexguru")
        if step == "judge" and stored.releasing:
            aws.models.put(by_hand, revision=stored.revision, who="bob", now=aws.now, mine=stored.releasing)

    answer = go(aws, at_step=change)

    assert (answer["result"], answer["exit_code"]) == ("failed", ExitCode.CHANGED)
    assert "written by bob" in answer["message"]
    assert aws.models.get("apexguru").record == by_hand


def order(aws, what):
    document = aws.releases.get_release("apexguru", "v2")
    document["order"] = what
    assert aws.releases.put_release("apexguru", "v2", document)


def test_an_order_to_abort_takes_the_canary_back(aws):
    put_stable(aws)
    answer = go(aws, at_step=lambda step: order(aws, "abort") if step == "judge" else None)

    assert (answer["result"], shares(aws)) == ("rolled_back", {"v1": 100, "v2": 0})
    assert "by order" in answer["message"]


def test_a_paused_canary_stays_at_its_weight(aws):
    put_stable(aws)
    seen = []

    def pause(step):
        if step == "judge":
            seen.append(shares(aws)["v2"])
            order(aws, "pause" if len(seen) < 40 else "")

    answer = go(aws, at_step=pause)

    assert seen[:40] == [25] * 40
    assert answer["result"] == "promoted"


def test_figures_that_cannot_be_read_take_the_canary_back(aws):
    put_stable(aws)
    aws.silent = True
    answer = go(aws)

    assert (answer["result"], answer["exit_code"]) == ("rolled_back", ExitCode.ROLLED_BACK)
    assert "could not be read" in answer["message"]
    assert shares(aws) == {"v1": 100, "v2": 0}


def test_an_alarm_that_rings_takes_the_canary_back(aws):
    put_stable(aws)
    answer = go(aws, {**REQUEST, "alarms": ["errors"]})

    assert answer["message"].endswith("the alarm errors rings")


def test_a_second_release_of_the_model_is_refused_while_one_runs(aws):
    put_stable(aws)
    aws.put_artifacts("apexguru/v3/", NOTES__md="other")
    refused = []

    def second(step):
        if step == "judge" and not refused:
            other = {**REQUEST, "source": f"s3://{BUCKET}/apexguru/v3/", "execution_arn": "arn:other"}
            refused.append(run("begin", other, aws.now, aws.services()))

    assert go(aws, at_step=second)["result"] == "promoted"
    assert refused[0]["exit_code"] == ExitCode.CHANGED
    assert "apexguru/v2" in refused[0]["message"]


def test_a_missing_permission_is_named(aws):
    aws.deny = {"create_model_import_job": "AccessDeniedException"}
    answer = go(aws)

    assert answer["exit_code"] == ExitCode.PERMISSION
    assert "create_model_import_job: AccessDeniedException" in answer["message"]


@pytest.mark.parametrize(
    "change, exit_code, words",
    [
        ({"source": "s3://artifacts/model=apexguru/"}, ExitCode.USAGE, "'='"),
        ({"source": "s3://artifacts/my model/"}, ExitCode.USAGE, "' '"),
        ({"source": "s3://artifacts/nothing/"}, ExitCode.ARTIFACTS, "There are no artifacts"),
        ({"source": "s3://theirs/apexguru/v2/"}, ExitCode.PERMISSION, "its policy must have these statements"),
        ({"steps": "50,25"}, ExitCode.USAGE, "steps"),
        ({"interval": "soon"}, ExitCode.USAGE, "interval"),
        ({"tolerance": "200%"}, ExitCode.USAGE, "tolerance"),
        ({"if_quiet": "guess"}, ExitCode.USAGE, "if_quiet"),
        ({"colour": "red"}, ExitCode.USAGE, "colour is no option"),
        ({"variant": "a@b"}, ExitCode.USAGE, "no name for a variant"),
        ({"golden": [{"request": {}}]}, ExitCode.USAGE, "golden file, line 1"),
        ({"record": {"body_format": "yaml"}}, ExitCode.USAGE, "body_format"),
        ({"source": 5}, ExitCode.USAGE, "source"),
    ],
)
def test_a_request_that_cannot_be_followed_says_why_before_anything_is_made(aws, change, exit_code, words):
    put_stable(aws)
    answer = go(aws, {**REQUEST, **change})

    assert (answer["result"], answer["exit_code"]) == ("failed", exit_code)
    assert words in answer["message"]
    assert (aws.jobs, aws.models.get("apexguru").record) == ({}, STABLE)


def test_a_dry_run_makes_nothing(aws):
    put_stable(aws)
    answer = go(aws, {**REQUEST, "dry_run": True})

    assert (answer["result"], answer["exit_code"], aws.jobs) == ("planned", 0, {})
    assert the_release(aws).plan["stable"] == "v1"


def test_a_manifest_beside_the_artifacts_starts_a_release(aws):
    manifest = {"model": "apexguru", "golden": GOLDEN, "steps": [25, 100]}
    aws.objects["apexguru/v2/release.json"] = json.dumps(manifest).encode()
    event = {
        "source": "aws.s3",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": "apexguru/v2/release.json"}},
        "execution_arn": EXECUTION,
    }

    assert go(aws, event)["result"] == "promoted"
    assert the_release(aws).started_by == f"s3://{BUCKET}/apexguru/v2/release.json"


def test_an_approved_model_package_starts_a_release(aws):
    container = {"ModelDataSource": {"S3DataSource": {"S3Uri": SOURCE}}}
    aws.package = {"InferenceSpecification": {"Containers": [container]}}
    detail = {"ModelPackageArn": "arn:package", "ModelPackageGroupName": "ApexGuru", "ModelPackageVersion": 7}

    answer = go(aws, {"source": "aws.sagemaker", "detail": detail, "execution_arn": EXECUTION})

    assert (answer["result"], answer["release"]) == ("promoted", "package-7")


def test_an_execution_that_was_stopped_leaves_no_canary(aws):
    put_stable(aws)

    class StoppedError(Exception):
        pass

    def stop(step):
        if step == "judge":
            raise StoppedError

    with pytest.raises(StoppedError):
        go(aws, at_step=stop)
    assert shares(aws)["v2"] == 25

    ended = {"executionArn": EXECUTION, "input": json.dumps(REQUEST)}
    go(aws, {"source": "aws.states", "detail": ended})

    assert (shares(aws), aws.models.get("apexguru").releasing) == ({"v1": 100, "v2": 0}, None)
    assert the_release(aws).result == "rolled_back"


def test_a_clean_up_that_broke_starts_no_other(aws):
    ended = {"executionArn": EXECUTION, "input": json.dumps({"source": "aws.states"})}

    assert go(aws, {"source": "aws.states", "detail": ended})["result"] == ""


def test_the_old_variant_is_retired_after_its_streams_have_ended(aws):
    go(aws)
    aws.put_artifacts("apexguru/v3/", NOTES__md="other")
    go(aws, {**REQUEST, "source": f"s3://{BUCKET}/apexguru/v3/", "execution_arn": EXECUTION})
    assert len(aws.imported) == 2
    started, removed = aws.now, []

    def watch(step):
        if list(shares(aws)) == ["v3"] and len(aws.imported) == 2 and not removed:
            removed.append(aws.now)

    go(aws, {"model": "apexguru", "release": "v3"}, step="retire", at_step=watch)

    assert (list(shares(aws)), len(aws.imported)) == (["v3"], 1)
    assert aws.now - started >= 990


def test_a_variant_that_gets_requests_again_is_not_retired(aws):
    go(aws)
    aws.put_artifacts("apexguru/v3/", NOTES__md="other")
    go(aws, {**REQUEST, "source": f"s3://{BUCKET}/apexguru/v3/"})
    aws.services().records.roll_back("apexguru", None, by())

    go(aws, {"model": "apexguru", "release": "v3"}, step="retire")

    assert (shares(aws), len(aws.imported)) == ({"v2": 100, "v3": 0}, 2)


def test_what_this_stack_has_not_imported_is_never_deleted(aws):
    go(aws)
    aws.put_artifacts("apexguru/v3/", NOTES__md="other")
    go(aws, {**REQUEST, "source": f"s3://{BUCKET}/apexguru/v3/"})
    for imported in aws.imported.values():
        imported["tags"]["tollgate:stack"] = "another"

    go(aws, {"model": "apexguru", "release": "v3"}, step="retire")

    assert len(aws.imported) == 2


@pytest.mark.parametrize("failing", [0.0, 0.9], ids=["promoted", "rolled back"])
def test_a_process_that_dies_after_any_call_loses_nothing(aws, failing):
    """GIVEN a release, WHEN its process dies after one AWS call, for each call there is, THEN running the step again
    brings it to the same end: weights of 100 in all, one variant with all of them, the record free.
    """
    put_stable(aws)
    aws.failing = {"v2": failing}
    answer = dict(REQUEST)
    step, deaths = "begin", 0
    for _ in range(_MOST_STEPS):
        # Each step dies after each of its calls in turn, before it may end.
        call = 1
        while True:
            aws.calls, aws.dies_after = 0, call
            try:
                result = run(step, answer, aws.now, aws.services())
                break
            except DiedError:
                deaths += 1
                call += 1
        aws.dies_after = None
        answer, step = result, result["next"]
        if step == "done":
            break
        aws.now += max(0.5, answer["wait_seconds"])

    assert deaths > 50
    assert answer["result"] == ("rolled_back" if failing else "promoted")
    assert shares(aws) == ({"v1": 100, "v2": 0} if failing else {"v1": 0, "v2": 100})
    assert aws.models.get("apexguru").releasing is None
    assert len(aws.imported) == 1


def test_a_rehearsal_with_short_intervals_is_not_held_before_its_metrics_can_be_there(aws):
    put_stable(aws)
    aws.requests_per_second = 0.0

    answer = go(aws, {**REQUEST, "steps": "100", "interval": "3s", "if_quiet": "promote"})

    assert answer["result"] == "promoted"


def test_another_accounts_bucket_that_lets_nobody_in_is_told_with_the_policy_that_is_missing(aws):
    answer = go(aws, {**REQUEST, "source": "s3://another-accounts/apexguru/v2/"})

    assert answer["exit_code"] == ExitCode.PERMISSION
    policy = json.loads(answer["message"].split("statements:\n", 1)[1])
    readers = {
        "AWS": ["arn:aws:iam::123456789012:role/import", "arn:aws:iam::123456789012:role/stack-ReleaseFunctionRole"]
    }
    assert [statement["Principal"] for statement in policy["Statement"]] == [readers, readers]
    assert [(statement["Action"], statement["Resource"]) for statement in policy["Statement"]] == [
        ("s3:ListBucket", "arn:aws:s3:::another-accounts"),
        ("s3:GetObject", "arn:aws:s3:::another-accounts/apexguru/v2/*"),
    ]
