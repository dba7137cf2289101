"""Whatever a client sends, it gets one clear answer in OpenAI's shape, and the next request works."""

from __future__ import annotations

import json

import httpx
import pytest

pytestmark = pytest.mark.path

CHAT = "/v1/chat/completions"
HELLO = {"model": "llama-demo", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(autouse=True)
def _still_answers(http):
    yield
    assert http.post(CHAT, json=HELLO).status_code == 200


def error_of(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


@pytest.mark.parametrize(
    "body", ["{", "[]", '"text"', "null", "\x00", '{"model": "llama-demo",}', "[" * 5000, "\xff\xfe"]
)
def test_what_is_not_a_json_object(http, body):
    error_of(http.post(CHAT, content=body, headers={"content-type": "application/json"}), 400, "invalid_json")


def test_an_empty_body(http):
    answer = http.post(CHAT, content=b"", headers={"content-type": "application/json"})

    assert answer.json()["error"]["code"] in ("invalid_json", "invalid_parameter")


def test_a_body_over_the_paths_limit_is_sent_to_the_streaming_base_url(http):
    body = {**HELLO, "messages": [{"role": "user", "content": "x" * 300_000}]}

    assert "/stream/v1" in error_of(http.post(CHAT, json=body), 413, "request_too_large")["message"]


@pytest.mark.parametrize("size", [200_000, 250_000, 258_000, 261_900])
def test_a_body_near_the_limit_is_answered_or_is_too_large(http, size):
    answer = http.post(CHAT, json={**HELLO, "messages": [{"role": "user", "content": "x" * size}]})

    assert answer.status_code in (200, 413), answer.text


def test_a_body_that_is_not_json_by_its_type(http):
    error_of(http.post(CHAT, content="a=1", headers={"content-type": "text/plain"}), 415, "unsupported_media_type")


def test_deep_nesting(http):
    nested = '{"model": "llama-demo", "messages": ' + '{"a":' * 3000 + "1" + "}" * 3000 + "}"

    answer = http.post(CHAT, content=nested, headers={"content-type": "application/json"})

    assert answer.status_code == 400


def test_half_a_surrogate_pair(http):
    body = json.dumps(HELLO).replace("Hello", "\\ud83d")

    error_of(http.post(CHAT, content=body, headers={"content-type": "application/json"}), 400, "invalid_json")


@pytest.mark.parametrize("name", ["a/b", "x" * 300, 'a"b', "a'b", "${x}", "A", "é", ""])
def test_a_name_that_no_model_has(http, name):
    error_of(http.post(CHAT, json={**HELLO, "model": name}), 404, "model_not_found")


@pytest.mark.parametrize("name", ["nobody", "x" * 300, "a%22b%27c", "a%2Fb", "%24%7Bx%7D", "%00", "é"])
def test_a_model_that_cannot_be_retrieved(http, name):
    answer = http.get(f"/v1/models/{name}")

    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["code"] in ("model_not_found", "not_found")


@pytest.mark.parametrize("model", [None, 5, ["llama-demo"], {"S": "llama-demo"}, True])
def test_a_name_of_the_wrong_type(http, model):
    assert error_of(http.post(CHAT, json={**HELLO, "model": model}), 400, "invalid_parameter")["param"] == "model"


@pytest.mark.parametrize(
    "change, param",
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 10**40}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"colour": "red"}, "colour"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "robot", "content": "b"}]}, "messages[1].role"),
    ],
)
def test_a_bad_parameter_is_named(http, change, param):
    assert error_of(http.post(CHAT, json=HELLO | change), 400, "invalid_parameter")["param"] == param


def test_unknown_routes_and_methods(http):
    error_of(http.get("/v2/chat"), 404, "not_found")
    error_of(http.get("/"), 404, "not_found")
    error_of(http.post("/v1/embeddings", json={}), 404, "not_found")
    refused = http.get(CHAT)
    error_of(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "POST"
    error_of(http.delete("/v1/models/llama-demo"), 405, "method_not_allowed")


@pytest.mark.parametrize("key", [None, "Basic abc", "Bearer", "Bearer wrong", "tollgate-local", "Bearer a b"])
def test_no_key_and_wrong_keys(local, key):
    headers = {} if key is None else {"Authorization": key}

    error_of(httpx.post(f"{local.url}{CHAT}", json=HELLO, headers=headers), 401, "invalid_api_key")
