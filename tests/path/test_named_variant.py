"""`model@variant` on both paths, plain and streamed: the record is found by the model's name alone."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.path


@pytest.fixture(scope="module")
def model(local):
    """A model whose second variant has no weight."""
    arns = [local.bedrock.register(name=f"named-{name}", engine="echo", architecture="qwen2") for name in "ab"]
    local.put_record(
        {
            "model": "named",
            "variants": [
                {"name": "a", "weight": 100, "model_id": arns[0], "body_format": "openai"},
                {"name": "b", "weight": 0, "model_id": arns[1], "body_format": "openai"},
            ],
        }
    )
    yield "named"
    local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": "named"}})


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("asked, variant", [("named", "a"), ("named@a", "a"), ("named@b", "b")])
def test_the_variant_that_is_asked_for_answers(http, model, base, asked, variant):
    messages = [{"role": "user", "content": "Hello"}]
    answer = http.post(f"{base}/chat/completions", json={"model": asked, "messages": messages}).json()

    assert answer["system_fingerprint"] == f"named@{variant}"
    assert answer["model"] == model


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("asked", ["named@c", "named@", "none@a", "@a", "named@a@b"])
def test_what_is_no_variant_is_not_found(http, model, base, asked):
    answer = http.post(f"{base}/completions", json={"model": asked, "prompt": "Hello", "stream": True})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("asked", [5, None, ["named@b"], {"named": "@b"}])
def test_a_name_of_another_type_is_the_clients_mistake(http, model, asked):
    answer = http.post("/v1/completions", json={"model": asked, "prompt": "Hello"})

    assert answer.json()["error"]["param"] == "model"
    assert answer.status_code == 400
