"""The state machine's semantics, on machines of a few states and fake integrations."""

from __future__ import annotations

import json

import pytest

from tollgate.emulators.step_functions import StateError, StateMachine, load_definition

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:test"
RESOURCE = "arn:aws:states:::lambda:invoke"


class FakeTask:
    """Gives the queued results, one per call; a queued exception is raised."""

    def __init__(self, *results):
        self._results = list(results)
        self.calls, self.timeouts = [], []

    def __call__(self, arguments, timeout_s):
        self.calls.append(arguments)
        self.timeouts.append(timeout_s)
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def _machine(states, task=None, sleep=lambda seconds: None, jitter=lambda seconds: seconds / 2, limit_ms=5000, **top):
    text = json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **top})
    definition = load_definition(text, {}, {RESOURCE}, "test")
    tasks = {RESOURCE: task or FakeTask()}
    return StateMachine(ARN, definition, tasks, sleep=sleep, jitter=jitter, expression_limit_ms=limit_ms)


def _task(**fields):
    return {"Type": "Task", "Resource": RESOURCE, "End": True, **fields}


def test_output_and_assign_see_the_variables_of_before():
    machine = _machine(
        {
            "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"x": "{% $x + 1 %}"}, "Output": {"x": "{% $x %}"}, "Next": "C"},
            "C": {"Type": "Pass", "Output": {"before": "{% $states.input.x %}", "now": "{% $x %}"}, "End": True},
        }
    )

    assert machine.start_sync({}).output == {"before": 1, "now": 2}


def test_null_is_a_value_and_undefined_is_an_error():
    null = {
        "A": {"Type": "Pass", "Assign": {"n": None}, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% $n %}", "End": True},
    }
    undefined = {"A": {"Type": "Pass", "Output": "{% $states.input.missing %}", "End": True}}

    assert _machine(null).start_sync({}).output is None
    execution = _machine(undefined).start_sync({})
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")


def test_the_context_names_the_execution_and_the_state():
    output = {"name": "{% $states.context.Execution.Name %}", "state": "{% $states.context.State.Name %}"}
    machine = _machine({"A": {"Type": "Pass", "Output": output, "End": True}})

    assert machine.start_sync({}, "one").output == {"name": "one", "state": "A"}


def test_the_first_choice_that_holds_is_taken():
    machine = _machine(
        {
            "Which": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $states.input.n > 10 %}", "Next": "Big"},
                    {"Condition": "{% $states.input.n > 5 %}", "Output": "middling", "Next": "Big"},
                ],
                "Default": "Small",
            },
            "Big": {"Type": "Succeed"},
            "Small": {"Type": "Succeed", "Output": "small"},
        }
    )

    assert machine.start_sync({"n": 11}).output == {"n": 11}
    assert machine.start_sync({"n": 6}).output == "middling"
    assert machine.start_sync({"n": 1}).output == "small"


def test_a_choice_without_a_match_or_with_a_condition_that_is_no_boolean_fails():
    states = {
        "Which": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input %}", "Next": "End"}]},
        "End": {"Type": "Succeed"},
    }

    assert _machine(states).start_sync(False).error == "States.NoChoiceMatched"
    assert _machine(states).start_sync("yes").error == "States.QueryEvaluationError"


def test_a_task_s_result_is_there_for_its_output():
    task = FakeTask({"Payload": {"a": 1}})
    machine = _machine(
        {"T": _task(Arguments={"x": "{% $states.input.x %}"}, Output="{% $states.result.Payload %}")}, task
    )

    assert machine.start_sync({"x": 7}).output == {"a": 1}
    assert task.calls == [{"x": 7}]


def test_retries_back_off_and_stop_at_their_limit():
    waits = []
    task = FakeTask(*[StateError("Busy")] * 4)
    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 5}]
    execution = _machine({"T": _task(Retry=retry)}, task, sleep=waits.append).start_sync({})

    assert waits == [1, 3, 5]
    assert (execution.error, execution.state("T").attempts) == ("Busy", 4)


def test_full_jitter_spreads_the_wait():
    waits = []
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 4, "JitterStrategy": "FULL"}]
    _machine({"T": _task(Retry=retry)}, FakeTask(StateError("Busy"), "ok"), sleep=waits.append).start_sync({})

    assert waits == [2]


def test_each_retrier_counts_for_itself():
    task = FakeTask(StateError("A"), StateError("B"), StateError("A"), "never")
    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["B"], "MaxAttempts": 1}]

    assert _machine({"T": _task(Retry=retry)}, task).start_sync({}).error == "A"
    assert len(task.calls) == 3


def test_a_caught_error_is_the_catcher_s_input():
    catch = [
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": ["States.ALL"], "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "Caught"},
    ]
    states = {
        "T": _task(Catch=catch),
        "Wrong": {"Type": "Fail"},
        "Caught": {"Type": "Pass", "Output": {"e": "{% $e %}", "input": "{% $states.input %}"}, "End": True},
    }
    execution = _machine(states, FakeTask(StateError("Oops", "because"))).start_sync({})

    assert execution.output == {"e": "Oops", "input": {"Error": "Oops", "Cause": "because"}}
    assert execution.path() == ["T", "Caught"]


@pytest.mark.parametrize(
    "error, patterns, caught",
    [
        ("States.DataLimitExceeded", ["States.ALL"], False),
        ("States.DataLimitExceeded", ["States.DataLimitExceeded"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.Runtime"], False),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.ALL"], True),
        ("Bedrock.ThrottlingException", ["States.TaskFailed"], True),
        ("Bedrock.ThrottlingException", ["ThrottlingException"], False),
    ],
)
def test_wildcards_cover_what_the_service_says(error, patterns, caught):
    states = {"T": _task(Catch=[{"ErrorEquals": patterns, "Next": "Caught"}]), "Caught": {"Type": "Succeed"}}

    assert _machine(states, FakeTask(StateError(error))).start_sync({}).path() == (["T", "Caught"] if caught else ["T"])


def test_an_expression_that_fails_can_be_caught():
    states = {
        "T": _task(
            Arguments="{% $parse('{no') %}", Catch=[{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught"}]
        ),
        "Caught": {"Type": "Succeed", "Output": "caught"},
    }

    assert _machine(states).start_sync({}).output == "caught"


def test_data_above_256_kib_is_refused_in_and_out():
    large = "x" * (256 * 1024)
    incoming = _machine({"T": _task(Arguments={"a": "{% $states.input %}", "b": 1})}, FakeTask("ok"))
    outgoing = _machine({"T": _task()}, FakeTask(large))

    assert incoming.start_sync(large[10:]).error == "States.DataLimitExceeded"
    assert outgoing.start_sync({}).error == "States.DataLimitExceeded"


def test_a_task_gets_its_own_timeout_which_may_be_an_expression():
    task = FakeTask("ok")
    _machine({"T": _task(TimeoutSeconds="{% $states.input.patience %}")}, task).start_sync({"patience": 7})

    assert task.timeouts == [7]


def test_a_task_that_is_too_slow_is_a_timeout_that_can_be_caught():
    states = {
        "T": _task(Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]),
        "Late": {"Type": "Succeed", "Output": "late"},
    }

    assert _machine(states, FakeTask(TimeoutError())).start_sync({}).output == "late"


def test_an_execution_that_is_too_slow_is_timed_out_and_nothing_catches_it():
    states = {
        "W": {"Type": "Wait", "Seconds": 100, "Next": "T"},
        "T": _task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "T"}]),
    }
    execution = _machine(states, TimeoutSeconds=5).start_sync({})

    assert (execution.status, execution.error, execution.path()) == ("TIMED_OUT", "States.Timeout", ["W"])


def test_an_endless_expression_is_stopped():
    states = {"A": {"Type": "Pass", "Output": "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}", "End": True}}

    assert _machine(states, limit_ms=100).start_sync({}).error == "States.QueryEvaluationError"


def test_a_fail_state_names_its_error():
    execution = _machine({"F": {"Type": "Fail", "Error": "{% 'My' & 'Error' %}", "Cause": "why"}}).start_sync({})

    assert (execution.status, execution.error, execution.cause) == ("FAILED", "MyError", "why")
