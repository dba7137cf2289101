"""A variant that is cold, throttled or failing is answered for by the one that it names: once, before a token."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = pytest.mark.path

HELLO = [{"role": "user", "content": "Hello"}]
FAILURES = ["ModelNotReadyException", "ThrottlingException", "ModelErrorException", "InternalServerException"]


@pytest.fixture(scope="module")
def variants(local):
    """Two imported models that echo, as the variants of a record: the first one has the second as its fallback."""
    made = []
    for name in ("first", "second"):
        arn = local.bedrock.register(name=f"fallback-{name}", engine="echo")
        made.append({"name": name, "model_id": arn, "body_format": "openai", "weight": 0})
    made[0] |= {"weight": 100, "fallback": "second"}
    local.put_record({"model": "falling", "variants": made})
    yield [local.bedrock.model("fallback-first"), local.bedrock.model("fallback-second")]
    local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": "falling"}})


@pytest.fixture
def break_first(local, variants):
    def break_it(**step):
        local.bedrock.set_faults("fallback-first", steps=[{"times": None, **step}])

    yield break_it
    for name in ("fallback-first", "fallback-second"):
        local.bedrock.set_faults(name)


def ask(http, base, *, stream=False, model="falling"):
    return http.post(f"{base}/chat/completions", json={"model": model, "messages": HELLO, "stream": stream})


def chunks(answer):
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("error", FAILURES)
def test_the_fallback_answers_at_once_and_is_asked_once(http, variants, break_first, base, error):
    break_first(error=error)
    before = [model.traffic.invocations for model in variants]
    started = time.monotonic()

    answer = ask(http, base)

    assert answer.status_code == 200, answer.text
    assert answer.json()["system_fingerprint"] == "falling@second"
    assert [model.traffic.invocations - count for model, count in zip(variants, before, strict=True)] == [1, 1]
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_a_stream_falls_back_before_its_first_token(http, break_first, base):
    break_first(error="ModelErrorException")

    found = chunks(ask(http, base, stream=True))

    assert {chunk["system_fingerprint"] for chunk in found} == {"falling@second"}
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in found) == "echo: Hello"


def test_after_a_token_nothing_falls_back(http, variants, break_first):
    break_first(error="ModelErrorException", after_tokens=1)
    before = variants[1].traffic.invocations

    found = chunks(ask(http, "/stream/v1", stream=True))

    assert "error" in found[-1]
    assert variants[1].traffic.invocations == before


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_a_fallback_that_fails_too_is_the_end(local, http, variants, break_first, base):
    break_first(error="ModelErrorException")
    local.bedrock.set_faults("fallback-second", steps=[{"error": "ThrottlingException", "times": None}])
    before = [model.traffic.invocations for model in variants]

    answer = ask(http, base)

    assert answer.json()["error"]["code"] == "model_throttled"
    assert [model.traffic.invocations - count for model, count in zip(variants, before, strict=True)] == [1, 1]


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_whoever_names_a_variant_wants_that_one(http, variants, break_first, base):
    break_first(error="ModelErrorException")
    before = variants[1].traffic.invocations

    answer = ask(http, base, model="falling@first")

    assert answer.status_code == 502
    assert variants[1].traffic.invocations == before


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_a_request_that_is_wrong_is_wrong_for_every_variant(http, variants, break_first, base):
    break_first(error="ValidationException", message="Malformed input request: no.")
    before = variants[1].traffic.invocations

    assert ask(http, base).status_code == 400
    assert variants[1].traffic.invocations == before
