"""Standard executions: they run by themselves on a clock that can be moved, and are driven by AWS's SDK."""

from __future__ import annotations

import json
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tollgate.emulators.clock import Clock
from tollgate.emulators.step_functions import StandardMachine, StateMachine, load_definition
from tollgate.emulators.step_functions.definition import STANDARD_LIMIT_S
from tollgate.emulators.step_functions.described import status_change_event
from tollgate.emulators.step_functions.endpoint import StepFunctionsApi
from tollgate.loopback import Server

STANDARD = "arn:aws:states:us-east-1:123456789012:stateMachine:slow"
EXPRESS = "arn:aws:states:us-east-1:123456789012:stateMachine:quick"
DEFINITION = {
    "QueryLanguage": "JSONata",
    "StartAt": "Pause",
    "States": {
        "Pause": {"Type": "Wait", "Seconds": "{% $states.input.seconds %}", "Next": "IsGood"},
        "IsGood": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.good = true %}", "Next": "Good"}],
            "Default": "Bad",
        },
        "Good": {"Type": "Succeed", "Output": {"entered": "{% $states.context.State.EnteredTime %}"}},
        "Bad": {"Type": "Fail", "Error": "NotGood", "Cause": "it was not"},
    },
}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ended():
    return []


@pytest.fixture
def machines(clock):
    definition = load_definition(json.dumps(DEFINITION), {}, set(), "test", STANDARD_LIMIT_S)
    return {
        STANDARD: StandardMachine(STANDARD, definition, {}, clock=clock),
        EXPRESS: StateMachine(EXPRESS, definition, {}, clock=clock),
    }


@pytest.fixture
def client(machines, ended):
    server = Server(StepFunctionsApi(machines, ended.append).app())
    yield boto3.client(
        "stepfunctions", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="local",
        aws_secret_access_key="local", config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )  # fmt: skip
    server.close()


def start(client, seconds=0, good=True, name=None, machine=STANDARD):
    named = {"name": name} if name else {}
    answer = client.start_execution(
        stateMachineArn=machine, input=json.dumps({"seconds": seconds, "good": good}), **named
    )
    return answer["executionArn"]


def until_over(client, arn):
    for _ in range(200):
        described = client.describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.02)
    raise AssertionError("the execution goes on and on")


@pytest.mark.path
def test_a_moved_clock_ends_a_wait_of_an_hour(client, clock, ended):
    arn = start(client, seconds=3600)
    assert client.describe_execution(executionArn=arn)["status"] == "RUNNING"
    before = clock.now()
    clock.advance(3601)

    described = until_over(client, arn)

    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"])["entered"] > time.strftime("%Y-%m-%dT%H", time.gmtime(before + 3000))
    assert [execution.arn for execution in ended] == [arn]


@pytest.mark.path
def test_a_name_is_one_execution(client):
    arn = start(client, seconds=60, name="release-1")
    assert start(client, seconds=60, name="release-1") == arn
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        start(client, seconds=61, name="release-1")
    client.stop_execution(executionArn=arn)


@pytest.mark.path
def test_a_stopped_execution_says_why(client, ended):
    arn = start(client, seconds=3600)
    client.stop_execution(executionArn=arn, error="Aborted", cause="by alice")

    described = until_over(client, arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Aborted", "by alice")
    event = status_change_event(ended[0])
    assert event["detail"]["status"] == "ABORTED"
    assert json.loads(event["detail"]["input"])["seconds"] == 3600


@pytest.mark.path
def test_what_happened_can_be_read(client):
    arn = start(client, good=False)
    assert until_over(client, arn)["error"] == "NotGood"

    types = [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]
    assert types[:3] == ["ExecutionStarted", "WaitStateEntered", "WaitStateExited"]
    assert types[-1] == "ExecutionFailed"
    listed = client.list_executions(stateMachineArn=STANDARD, statusFilter="FAILED")["executions"]
    assert [one["executionArn"] for one in listed] == [arn]


@pytest.mark.path
def test_express_executions_are_run_to_their_end_or_by_themselves(client, ended):
    answer = client.start_sync_execution(stateMachineArn=EXPRESS, input='{"seconds": 0, "good": true}')
    assert answer["status"] == "SUCCEEDED"
    start(client, machine=EXPRESS)
    for _ in range(100):
        if len(ended) == 2:
            break
        time.sleep(0.02)
    assert [execution.status for execution in ended] == ["SUCCEEDED", "SUCCEEDED"]


@pytest.mark.path
@pytest.mark.parametrize(
    "action, arguments, code",
    [
        ("start_execution", {"stateMachineArn": STANDARD[:-1]}, "StateMachineDoesNotExist"),
        ("start_execution", {"stateMachineArn": STANDARD, "input": "{no"}, "InvalidExecutionInput"),
        ("start_execution", {"stateMachineArn": STANDARD, "name": "a b"}, "InvalidName"),
        ("start_sync_execution", {"stateMachineArn": STANDARD}, "StateMachineTypeNotSupported"),
        ("describe_execution", {"executionArn": STANDARD}, "ExecutionDoesNotExist"),
        ("list_map_runs", {"executionArn": STANDARD}, "UnknownOperationException"),
    ],
)
def test_a_refusal_has_the_services_name(client, action, arguments, code):
    with pytest.raises(ClientError) as caught:
        getattr(client, action)(**arguments)
    assert caught.value.response["Error"]["Code"] == code
