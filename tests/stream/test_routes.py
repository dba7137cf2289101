"""What the application refuses before any model is asked, in OpenAI's shape."""

from __future__ import annotations

import json

import pytest

from tests.stream.asgi import CHAT
from tests.stream.conftest import HELLO
from tests.stream.fakes import FakeModel, answer


@pytest.mark.parametrize(
    "path, options, status, code",
    [
        ("/stream/v1/nothing", {}, 404, "not_found"),
        ("/", {}, 404, "not_found"),
        ("/v1/chat/completions", {}, 404, "not_found"),
        (CHAT, {"method": "GET"}, 405, "method_not_allowed"),
        (CHAT, {"headers": {"content-type": "text/plain"}}, 415, "unsupported_media_type"),
        (CHAT, {"body": b"{"}, 400, "invalid_json"),
        (CHAT, {"body": b'{"model": "\xff"}'}, 400, "invalid_json"),
        (CHAT, {"body": b"[]"}, 400, "invalid_json"),
        (CHAT, {"body": {"model": "m"}}, 400, "invalid_parameter"),
        (CHAT, {"body": HELLO | {"model": "nobody"}}, 404, "model_not_found"),
        (CHAT, {"body": HELLO | {"model": "No Name"}}, 404, "model_not_found"),
        (CHAT, {"body": b" " * 6_000_001}, 413, "request_too_large"),
    ],
)
def test_a_wrong_request_gets_its_status_and_openais_error(ask, path, options, status, code):
    received = ask(FakeModel(), path=path, **options)

    error = received.json["error"]
    assert (received.status, error["code"]) == (status, code)
    assert error["request_id"] == received.headers["x-request-id"]
    assert set(error) == {"message", "type", "param", "code", "request_id"}


def test_a_wrong_method_is_told_the_right_one(ask):
    assert ask(FakeModel(), method="GET").headers["allow"] == "POST"


def test_a_body_that_is_too_large_is_not_sent_on_to_this_same_base_url(ask):
    message = ask(FakeModel(), b" " * 6_000_001).json["error"]["message"]

    assert "6000000 bytes" in message
    assert "send it to" not in message


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_media_type_may_have_parameters_and_capitals(ask, media_type):
    assert ask(FakeModel([answer("ok")]), HELLO, headers={"content-type": media_type}).status == 200


@pytest.mark.parametrize("base", ["/models", "/model/apex", "/endpoints", "/stream/v1"])
@pytest.mark.parametrize("path", [CHAT, "/endpoints/m/invocations-response-stream"])
def test_a_custom_domain_may_put_its_base_path_before_ours(ask, base, path):
    """GIVEN a base path that looks like a route of ours, WHEN a route stands after it, THEN the last one counts."""
    body = HELLO if path == CHAT else {"messages": HELLO["messages"]}

    assert ask(FakeModel([answer("ok")]), body, path=f"{base}{path}").status == 200


def test_the_request_id_is_api_gateways(ask):
    headers = {"x-amzn-request-context": json.dumps({"requestId": "r-9"})}

    received = ask(FakeModel([answer("ok")]), HELLO, headers=headers)

    assert received.headers["x-request-id"] == "r-9"
    assert received.json["id"] == "chatcmpl-r-9"


@pytest.mark.parametrize("context", ["", "no JSON", "[]", "{}", '{"identity": null}', '{"requestId": null}'])
def test_without_a_request_context_each_request_gets_an_id_of_its_own(ask, context):
    ids = {
        ask(FakeModel([answer("ok")]), HELLO, headers={"x-amzn-request-context": context}).headers["x-request-id"]
        for _ in range(2)
    }

    assert len(ids) == 2


def test_readiness_is_answered_and_not_logged(ask, log):
    assert ask(FakeModel(), path="/ready", method="GET").status == 200
    assert log.lines == []
