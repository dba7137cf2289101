"""Variants on SageMaker endpoints and on Bedrock answer the same clients, while the weights move between them."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.path]

HELLO = [{"role": "user", "content": "Hello \u00e9 \U0001f600"}]
ENDPOINT = {"name": "endpoint", "backend": "sagemaker", "endpoint_name": "hybrid-prod", "body_format": "openai"}


@pytest.fixture(scope="module")
def imported(local):
    """A model on an endpoint, and the same model imported; both echo."""
    local.bedrock.register(name="hybrid-prod", engine="echo", architecture="qwen2")
    arn = local.bedrock.register(name="hybrid-imported", engine="echo", architecture="qwen2")
    yield {"name": "imported", "model_id": arn, "body_format": "openai"}
    local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": "hybrid"}})


def put(local, *variants):
    # Names of their own, since the streaming function keeps a record for a while.
    local.put_record({"model": "hybrid", "variants": list(variants)})


def content(answer):
    if answer.headers["content-type"].startswith("text/event-stream"):
        chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
        return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    return answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("variant", ["endpoint", "imported"])
def test_both_give_the_same_answer(http, local, imported, base, stream, variant):
    put(local, {**ENDPOINT, "weight": 90}, {**imported, "weight": 10})
    answer = http.post(
        f"{base}/chat/completions", json={"model": f"hybrid@{variant}", "messages": HELLO, "stream": stream}
    )

    assert content(answer) == "echo: Hello \u00e9 \U0001f600"


def test_weights_move_from_the_endpoint_to_the_import(http, local, imported):
    """GIVEN 70 to 30, WHEN the canary gets everything and the endpoint's variant goes, THEN every answer is right."""
    seen = []
    for weights in ((70, 30), (0, 100), (None, 100)):
        variants = [{**imported, "weight": weights[1]}]
        if weights[0] is not None:
            variants.insert(0, {**ENDPOINT, "weight": weights[0]})
        put(local, *variants)
        answered = set()
        for number in range(20):
            body = {"model": "hybrid", "messages": HELLO, "user": f"user-{number}"}
            answer = http.post("/v1/chat/completions", json=body).json()
            assert answer["choices"][0]["message"]["content"] == "echo: Hello \u00e9 \U0001f600"
            answered.add(answer["system_fingerprint"])
        seen.append(answered)

    assert seen == [{"hybrid@endpoint", "hybrid@imported"}, {"hybrid@imported"}, {"hybrid@imported"}]


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize(
    "error, status, code",
    [
        ("ThrottlingException", 429, "model_throttled"),
        ("ModelErrorException", 502, "model_error"),
        ("ValidationException", 400, "model_rejected_request"),
    ],
)
def test_an_endpoints_failure_has_the_same_answer_as_an_imports(http, local, imported, base, error, status, code):
    put(local, {**ENDPOINT, "weight": 100})
    model = local.bedrock.model("hybrid-prod")
    from tollgate.emulators.bedrock.faults import parse_script

    model.faults = parse_script({"steps": [{"error": error, "times": None}]})
    try:
        answer = http.post(f"{base}/chat/completions", json={"model": "hybrid@endpoint", "messages": HELLO})
    finally:
        model.faults = parse_script({})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_an_endpoint_that_is_not_there_is_the_records_fault(http, local, imported):
    put(local, {**ENDPOINT, "name": "gone", "endpoint_name": "nowhere", "weight": 100})
    answer = http.post("/v1/chat/completions", json={"model": "hybrid", "messages": HELLO})

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "model_misconfigured")


@pytest.fixture(scope="module", params=["tgi", "lmi"])
def container(local, request):
    """A model on an endpoint whose container speaks `inputs`, as TGI or LMI do; it echoes."""
    name = f"container-{request.param}"
    local.bedrock.register(name=name, engine="echo", body_format=request.param)
    variant = {"name": "v1", "backend": "sagemaker", "endpoint_name": name, "body_format": "tgi"}
    local.put_record({"model": name, "variants": [{**variant, "chat_template": "chatml"}]})
    yield name
    local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": name}})


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_container_that_knows_inputs_answers_chats(http, local, container, base, stream):
    body = {
        "model": container,
        "messages": HELLO,
        "stream": stream,
        "temperature": 0,
        "max_tokens": 30,
        "stop": ["<|im_end|>"],
    }

    answer = http.post(f"{base}/chat/completions", json=body)

    assert content(answer) == "echo: <|im_start|>user\nHello \u00e9 \U0001f600"
    given = json.loads(local.bedrock.model(container).traffic.recent_bodies.texts()[-1])
    assert given["parameters"]["max_new_tokens"] == 30
    assert (given["parameters"]["do_sample"], "temperature" in given["parameters"]) == (False, False)


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_a_container_that_knows_inputs_completes_prompts_and_refuses_what_it_does_not_know(http, container, base):
    answer = http.post(f"{base}/completions", json={"model": container, "prompt": "Once", "max_tokens": 2})
    refused = http.post(f"{base}/completions", json={"model": container, "prompt": "Once", "logit_bias": {"1": 2}})

    assert answer.json()["choices"][0]["text"] == "echo: Once"
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "logit_bias")


NO_CAPACITY = {"error": "ServiceQuotaExceededException"}
"""The embedded runtime's fault of an endpoint that is scaled to zero."""


@pytest.fixture
def unreliable(local):
    """A model on an endpoint that fails on demand, and which falls back to an import."""
    name = "unreliable-endpoint"
    local.bedrock.register(name=name, engine="echo")
    arn = local.bedrock.register(name="reliable-import", engine="echo")
    endpoint = {**ENDPOINT, "name": "endpoint", "endpoint_name": name}
    spare = {"name": "spare", "weight": 0, "model_id": arn, "body_format": "openai"}
    local.put_record({"model": name, "variants": [endpoint]})
    local.put_record({"model": f"{name}-with-spare", "variants": [{**endpoint, "fallback": "spare"}, spare]})
    yield name
    for model in (name, f"{name}-with-spare"):
        local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": model}})
    for model in (name, "reliable-import"):
        local.bedrock.remove(local.bedrock.model(model))


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_endpoint_that_scales_from_zero_is_waited_for(http, local, unreliable, base, stream):
    local.bedrock.set_faults(unreliable, steps=[{**NO_CAPACITY, "times": 2}])

    body = {"model": unreliable, "messages": HELLO, "stream": stream}
    answer = http.post(f"{base}/chat/completions", json=body)

    assert content(answer) == "echo: Hello é \U0001f600"


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_another_variant_answers_for_an_endpoint_at_zero(http, local, unreliable, base):
    local.bedrock.set_faults(unreliable, steps=[{**NO_CAPACITY, "times": None}])

    answer = http.post(f"{base}/chat/completions", json={"model": f"{unreliable}-with-spare", "messages": HELLO})

    assert answer.json()["system_fingerprint"] == f"{unreliable}-with-spare@spare"


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["unreliable-endpoint", "unreliable-endpoint-with-spare"])
def test_what_a_container_refuses_is_the_clients_mistake(http, local, unreliable, base, stream, model):
    """GIVEN a container that says 400, WHEN a client asks, THEN it is told why, and no other variant is asked."""
    fault = {"error": "ValidationException", "message": 'The "prompt" has 9000 tokens, and 8192 fit.', "times": None}
    local.bedrock.set_faults(unreliable, steps=[fault])

    answer = http.post(f"{base}/chat/completions", json={"model": model, "messages": HELLO, "stream": stream})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "model_rejected_request")
    assert error["message"] == 'The model refused the request: The "prompt" has 9000 tokens, and 8192 fit.'


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_a_container_that_fails_is_the_models_failure(http, local, unreliable, base):
    local.bedrock.set_faults(unreliable, steps=[{"error": "ModelErrorException", "message": "Oh", "times": None}])

    answer = http.post(f"{base}/chat/completions", json={"model": unreliable, "messages": HELLO})

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "model_error")
    assert "Oh" not in answer.text
