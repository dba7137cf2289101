"""The state machine, as text: what style and the services' models can say of it without running it."""

from __future__ import annotations

import re

import botocore.session
import jsonata
import pytest
from botocore.validate import ParamValidator

from tests.conftest import ROOT
from tests.infrastructure.conftest import EXPRESSION, strings
from tollgate_layer.inference.failures.errors import ERRORS
from tollgate_layer.inference.failures.upstream import UPSTREAM, classify, from_upstream

UNSEEN = ("StartShadow", "KeepTexts")
RETRIED_BY_A_LOOP = {"InvokeModel"}
INTEGRATIONS = {
    "arn:aws:states:::dynamodb:getItem": ("dynamodb", "GetItem"),
    "arn:aws:states:::lambda:invoke": ("lambda", "Invoke"),
    "arn:aws:states:::bedrock:invokeModel": ("bedrock-runtime", "InvokeModel"),
}


def tasks(machine):
    return {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}


def test_every_substitution_is_declared_and_used(machine, template):
    declared = template["Resources"]["InferenceStateMachine"]["Properties"]["DefinitionSubstitutions"]

    used = {name for text in strings(machine) for name in re.findall(r"\$\{(\w+)\}", text)}

    assert used == set(declared)


def test_every_expression_parses(machine):
    expressions = [match.group(1) for text in strings(machine) if (match := EXPRESSION.match(text))]

    assert len(expressions) > 20
    for expression in expressions:
        jsonata.Jsonata(expression)


def test_an_expression_stands_alone_in_its_string(machine):
    assert [text for text in strings(machine) if "{%" in text and not EXPRESSION.match(text)] == []


def test_no_text_is_empty(machine):
    # Written as an expression, "" is known to be valid: the linter asl-validator refuses it bare.
    assert "" not in set(strings(machine))


def test_every_transition_leads_to_a_state_and_every_state_is_reached(machine):
    states = machine["States"]
    targets = {machine["StartAt"]}
    for state in states.values():
        branches = [state, *state.get("Catch", []), *state.get("Choices", [])]
        targets |= {branch["Next"] for branch in branches if "Next" in branch}
        targets |= {state["Default"]} if "Default" in state else set()

    assert targets == set(states)


def test_every_task_has_a_timeout_and_catches_everything(machine):
    for name, state in tasks(machine).items():
        caught = [error for catcher in state["Catch"] for error in catcher["ErrorEquals"]]
        assert "TimeoutSeconds" in state, name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert "States.DataLimitExceeded" in caught, f"{name}: States.ALL does not catch it"


def test_every_task_retries_named_errors_only(machine):
    for name, state in tasks(machine).items():
        if name in (*RETRIED_BY_A_LOOP, "InvokeEndpoint"):
            assert "Retry" not in state
            continue
        if name in UNSEEN:  # a shadow that does not start, or is not kept, is none
            assert "Retry" not in state
            continue
        for retrier in state["Retry"]:
            assert not {"States.ALL", "States.TaskFailed", "States.Timeout"} & set(retrier["ErrorEquals"]), name
            assert retrier["JitterStrategy"] == "FULL", name


def test_every_error_that_is_named_has_an_answer_of_its_own(machine):
    named = {
        error
        for state in tasks(machine).values()
        for rule in (*state.get("Retry", []), *state["Catch"])
        for error in rule["ErrorEquals"]
    } - {"States.ALL"}

    assert {error for error in named if classify(error) == "internal_error"} == set()


@pytest.mark.parametrize("name", ["ResolveModel", "Preprocess", "Postprocess", "Before", "After"])
def test_every_failure_that_passes_is_tried_again(machine, name):
    # GIVEN a service's errors that the table takes for passing ones, as Step Functions names them
    service = "DynamoDB." if name == "ResolveModel" else "Lambda."
    passing = {error for error, code in UPSTREAM.items() if error.startswith(service) and code == "model_unavailable"}
    passing = {error for error in passing if error.endswith("Exception")}  # the others are botocore's

    (retrier,) = machine["States"][name]["Retry"]
    assert len(passing) > 4
    assert set(retrier["ErrorEquals"]) == passing


def test_whatever_bedrock_error_may_pass_is_caught_to_be_tried_again(machine):
    passing = {name for name, code in UPSTREAM.items() if code == "model_unavailable" and name.endswith("Exception")}
    second = machine["States"]["InvokeModel"]["Catch"][1]["ErrorEquals"]

    assert {name.rpartition(".")[2] for name in second} == {name for name in passing if "." not in name}


def test_bedrocks_errors_are_caught_under_every_prefix(machine):
    for catcher in machine["States"]["InvokeModel"]["Catch"][:2]:
        names = {error.rpartition(".")[2] for error in catcher["ErrorEquals"]}
        assert set(catcher["ErrorEquals"]) == {p + n for n in names for p in ("", "Bedrock.", "BedrockRuntime.")}
        assert names <= set(UPSTREAM)


def test_whatever_an_endpoints_error_may_pass_is_caught_to_be_tried_again(machine):
    first, second = machine["States"]["InvokeEndpoint"]["Catch"][:2]
    prefixes = ("SageMakerRuntime.", "SagemakerRuntime.")
    for catcher, code in ((first, "model_not_ready"), (second, "model_unavailable")):
        names = {error.partition(".")[2] for error in catcher["ErrorEquals"]}
        assert set(catcher["ErrorEquals"]) == {prefix + name for name in names for prefix in prefixes}
        assert {classify(error) for error in catcher["ErrorEquals"]} == {code}
    own = {name.partition(".")[2] for name, code in UPSTREAM.items()
           if name.startswith("SageMakerRuntime.") and code == "model_unavailable"}  # fmt: skip
    suffixed = {name if name.endswith("Exception") else f"{name}Exception" for name in own}
    assert suffixed <= {error.partition(".")[2] for error in second["ErrorEquals"]}


def test_every_error_of_sagemakers_runtime_has_a_row():
    model = botocore.session.get_session().get_service_model("sagemaker-runtime")
    shapes = [model.shape_for(name) for name in model.shape_names]
    errors = [shape.name for shape in shapes if shape.metadata.get("exception")]

    assert len(errors) > 6
    assert [name for name in errors if classify(f"SageMakerRuntime.{name}") == "internal_error"] == []


@pytest.mark.parametrize("name", ["ResolveModel", "Preprocess", "InvokeModel", "Postprocess"])
def test_task_arguments_are_members_of_the_operation_that_is_called(machine, name):
    state = machine["States"][name]
    service, operation = INTEGRATIONS[state["Resource"]]
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    members = {member.lower(): member for member in shape.members}

    arguments = {members[argument.lower()]: value for argument, value in state["Arguments"].items()}

    if service == "dynamodb":
        assert not ParamValidator().validate(arguments, shape).has_errors()
    assert set(shape.required_members) <= set(arguments)


def test_functions_end_before_their_task_does(machine, stack):
    functions = stack.resources("AWS::Lambda::Function")
    for name in ("Preprocess", "Postprocess"):
        assert functions[f"{name}Function"].properties["Timeout"] <= machine["States"][name]["TimeoutSeconds"]


def longest_s(state):
    """The longest that a task may take: every attempt to its timeout, every pause to its end."""
    seconds = state["TimeoutSeconds"]
    for retrier in state["Retry"]:
        pauses = [retrier["IntervalSeconds"] * 2**attempt for attempt in range(retrier["MaxAttempts"])]
        seconds += sum(pauses) + state["TimeoutSeconds"] * retrier["MaxAttempts"]
    return seconds


def test_the_path_answers_before_the_api_stops_waiting(machine, template):
    states = machine["States"]
    reserve_s = int(re.search(r"'\) - (\d+)", states["Accept"]["Assign"]["latest"]).group(1)) / 1000

    # GIVEN the deadline for the model, THEN what is left after it is enough for Postprocess, and a second for the API
    assert longest_s(states["Postprocess"]) + 1 <= reserve_s
    # GIVEN the slowest steps before the model, THEN there is time left for it in the shortest timeout allowed
    timeouts_ms = template["Parameters"]["ApiTimeoutMillis"]["AllowedValues"]
    before_s = longest_s(states["ResolveModel"]) + longest_s(states["Preprocess"])
    assert before_s + 1 + reserve_s <= min(timeouts_ms) / 1000
    assert "$deadline" in states["InvokeModel"]["TimeoutSeconds"]
    assert machine["TimeoutSeconds"] * 1000 >= max(timeouts_ms)


def test_the_loop_tries_as_often_as_the_error_table_says(machine):
    attempts = {
        error: catcher["Assign"].get("most_attempts", 1)
        for catcher in machine["States"]["InvokeModel"]["Catch"]
        for error in catcher["ErrorEquals"]
        if not error.startswith("States.")
    }

    assert {error: ERRORS[classify(error)].attempts for error in attempts} == attempts
    again = {name for name, code in UPSTREAM.items() if ERRORS[code].attempts > 1 and name.endswith("Exception")}
    assert {name for name in again if "." not in name} == {error.rpartition(".")[2] for error in attempts}


def test_the_file_is_valid_json_and_only_strings_are_substituted():
    text = (ROOT / "statemachines" / "inference.asl.json").read_text()

    assert re.findall(r'[^"\'A-Za-z]\$\{', text) == []


def test_no_other_variant_is_asked_for_what_a_container_says_the_client_did_wrong(machine):
    """The machine knows by a cause's words what the layer knows by its code."""
    condition = machine["States"]["CanTryAgain"]["Choices"][0]["Condition"]
    (pattern,) = re.findall(r"failure\.cause, /(.*?)/\)", condition)

    for status in range(400, 500):
        cause = f'Received client error ({status}) from model with message "no". See https://'
        is_the_clients = from_upstream("SageMakerRuntime.ModelError", cause=cause).code == "model_rejected_request"
        assert (re.search(pattern, cause) is not None) == is_the_clients
