"""What clients are told where AWS itself refuses or breaks off: answers that no local service gives."""

from __future__ import annotations

import json
import re

import pytest

from tollgate.emulators.api_gateway.mapping_templates import MappingTemplate, Parameters

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="session")
def answers(stack):
    (api,) = stack.resources("AWS::ApiGateway::RestApi").values()
    return api.properties["Body"]["paths"][CHAT]["post"]["x-amazon-apigateway-integration"]["responses"]


def told(answers, status, answer):
    """The status and the error of what API Gateway makes of StartSyncExecution's answer."""
    (chosen,) = [entry for pattern, entry in answers.items() if re.fullmatch(pattern, str(status))] or [
        answers["default"]
    ]
    template = MappingTemplate(chosen["responseTemplates"]["application/json"], "test")
    rendered = template.render(json.dumps(answer), Parameters(), {"requestId": "r-1"})
    return rendered.status or int(chosen["statusCode"]), json.loads(rendered.text)["error"]


@pytest.mark.parametrize(
    "answer",
    [
        {"__type": "ValidationException"},
        {"__type": "com.amazon.coral.validate#ValidationException"},
        {"message": "Request size too large"},
        {},
    ],
)
def test_an_input_that_step_functions_finds_too_large_is_sent_to_the_streaming_path(answers, answer):
    status, error = told(answers, 400, answer)

    assert (status, error["code"]) == (413, "request_too_large")
    assert "/stream/v1" in error["message"]


def test_a_413_from_before_step_functions_is_too_large_whatever_its_body(answers):
    assert "$input.path" not in answers["413"]["responseTemplates"]["application/json"]
    assert told(answers, 413, {})[1]["code"] == "request_too_large"


@pytest.mark.parametrize(
    "name",
    [
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidArn",
        "InvalidExecutionInput",
        "KmsAccessDeniedException",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
        "UnrecognizedClientException",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_no_other_refusal_is_the_clients_to_answer_for(answers, name, status):
    assert told(answers, status, {"__type": name}) == (
        500,
        {
            "message": "Something went wrong on our side.",
            "type": "server_error",
            "param": None,
            "code": "internal_error",
            "request_id": "r-1",
        },
    )


@pytest.mark.parametrize("status", [400, 429])
def test_throttling_passes(answers, status):
    assert told(answers, status, {"__type": "ThrottlingException"})[1]["code"] == "model_unavailable"


@pytest.mark.parametrize("status", range(400, 600))
def test_each_status_has_one_answer(answers, status):
    assert len([pattern for pattern in answers if re.fullmatch(pattern, str(status))]) == 1


def test_an_execution_that_ends_between_states_for_its_size_names_the_streaming_path(answers):
    answer = {"status": "FAILED", "error": "States.DataLimitExceeded", "cause": "secret"}

    status, error = told(answers, 200, answer)

    assert (status, error["code"]) == (413, "request_too_large")
    assert "/stream/v1" in error["message"]


@pytest.mark.parametrize("name", ["WAF_FILTERED", "DEFAULT_4XX"])
def test_a_refusal_that_nobody_foresaw_does_not_speak_of_json(openapi, name):
    response = openapi["x-amazon-apigateway-gateway-responses"][name]

    error = json.loads(response["responseTemplates"]["application/json"])["error"]
    assert error["code"] == "request_refused"
    assert "JSON" not in error["message"]


def test_a_firewalls_refusal_is_403_and_one_without_an_entry_keeps_its_status(openapi):
    responses = openapi["x-amazon-apigateway-gateway-responses"]

    assert responses["WAF_FILTERED"]["statusCode"] == "403"
    assert "statusCode" not in responses["DEFAULT_4XX"]
    assert responses["RESOURCE_NOT_FOUND"]["statusCode"] == "404"
