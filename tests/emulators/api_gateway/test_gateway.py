"""The REST API: routes, mapping templates, authorizer, keys, gateway responses, limits."""

from __future__ import annotations

import pytest

from tests.dev.conftest import eventually

pytestmark = pytest.mark.path


def test_an_execution_answers_through_both_mapping_templates(client, runner):
    response = client.post("/run", json={"do": "echo", "text": "hello"})

    assert response.status_code == 200
    assert response.json() == {"found": False, "payload": {"do": "echo", "text": "hello"}}
    assert response.headers["x-request-id"] == response.headers["x-amzn-requestid"]
    assert runner.executions[-1].path() == ["Look", "WhichWay", "Work"]


@pytest.mark.parametrize(
    "text",
    ['say "hi"', "it's", "back\\slash", "line\nfeed\ttab", "é 😀 \u2028", "#set($x = 1)$x $input.body ${Things}", "\0"],
)
def test_no_text_changes_the_structure_of_the_execution_input(run, text):
    assert run(do="echo", text=text)["payload"]["text"] == text


def test_arguments_of_the_wrong_type_fail_the_execution_though_the_state_catches_all(client):
    response = client.post("/run", json={"model": 5})

    assert (response.status_code, response.json()) == (500, {"error": "States.Runtime"})


def test_a_failed_execution_is_answered_by_the_template_not_by_http_200(client):
    response = client.post("/run", json={"do": "fail"})

    assert response.status_code == 500
    assert response.json() == {"error": "Asked"}
    assert response.headers["x-failed"] == "FAILED"


def test_the_service_refusing_the_request_selects_the_response_by_status(client):
    # GIVEN an input above StartSyncExecution's limit
    response = client.post("/run", json={"text": "x" * 300_000})

    assert response.status_code == 400
    assert "262144" in response.json()["refused"]


def test_a_body_that_is_no_json_is_refused_by_the_gateway(client):
    response = client.post("/run", content=b"{no", headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json() == {"message": "Invalid request body"}


def test_an_undeclared_media_type_is_refused(client):
    response = client.post("/run", content=b"x", headers={"Content-Type": "text/plain"})

    assert response.status_code == 415


def test_a_body_above_ten_megabytes_is_refused(client):
    response = client.post("/run", content=b"x" * (10 * 1024 * 1024 + 1))

    assert response.status_code == 413


def test_an_unknown_route_is_a_missing_authentication_token(client):
    assert client.get("/nowhere").json() == {"message": "Missing Authentication Token"}
    assert client.put("/health").status_code == 403


def test_a_missing_token_gets_the_stack_s_gateway_response(runner, client):
    response = client.post("/run", json={}, headers={"Authorization": "Basic abc"})

    assert response.status_code == 401
    assert response.json() == {"why": "Unauthorized", "type": "UNAUTHORIZED"}
    assert response.headers["x-hint"] == "bring a key"


@pytest.mark.parametrize(
    "token, status, body",
    [
        ("deny", 403, {"message": "User is not authorized to access this resource"}),
        ("unauthorized", 401, {"why": "Unauthorized", "type": "UNAUTHORIZED"}),
        ("raise", 500, {"five": "AUTHORIZER_FAILURE"}),
        ("nonsense", 500, {"five": "AUTHORIZER_CONFIGURATION_ERROR"}),
        ("no-such-key", 403, {"message": "Forbidden"}),
    ],
)
def test_the_authorizer_s_answer_decides(client, token, status, body):
    response = client.post("/run", json={}, headers={"Authorization": f"Bearer {token}"})

    assert (response.status_code, response.json()) == (status, body)


def test_the_authorizer_is_asked_once_per_token(client):
    first = client.post("/run", json={}).headers["x-calls"]
    second = client.post("/run", json={}).headers["x-calls"]

    assert first == second


def test_a_dynamodb_integration_reads_the_table(client, runner):
    runner.dynamodb.put_item(TableName=runner.model_table, Item={"model": {"S": "here"}, "n": {"N": "1"}})

    assert client.get("/things/here").json() == {"model": {"S": "here"}, "n": {"N": "1"}}
    assert client.get("/things/gone").json() == ""


def test_a_mock_integration_answers_by_itself(client):
    assert client.get("/health").json() == {"stage": "test", "path": "/test/health"}


def test_an_integration_that_is_too_slow_is_a_504_while_its_execution_goes_on(client, runner):
    # GIVEN an API timeout of 1.5 seconds
    response = client.post("/run", json={"do": "wait", "seconds": 1.6})

    # WHEN the execution takes longer THEN the client hears so
    assert (response.status_code, response.json()) == (504, {"five": "INTEGRATION_TIMEOUT"})
    # AND the execution ends by itself
    eventually(lambda: "Pause" in runner.executions[-1].path())
