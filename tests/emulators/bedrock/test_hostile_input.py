"""Thousands of wrong requests: each gets a modelled answer, and the server goes on."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tollgate.emulators.bedrock import contract, control_plane, converse, runtime
from tollgate.emulators.bedrock.errors import STATUS_BY_CODE
from tollgate.emulators.bedrock.http import MAX_BODY_BYTES

pytestmark = pytest.mark.path

TEXTS = ["", "x", "\ud800", "\x00", "../..", "a" * 5000]
VALUES: list[Any] = [None, True, 0, -1, 10**30, 1e308, *TEXTS, [], [None], {}, {"a": {}}]
NAMES = [
    *("messages", "prompt", "max_tokens", "max_gen_len", "temperature", "top_p", "stop", "tools", "logprobs", "seed"),
    *("stream_options", "top_logprobs", "max_completion_tokens", "system", "inferenceConfig", "toolConfig"),
    *("jobName", "importedModelName", "roleArn", "modelDataSource", "jobTags", "tags", "tagKeys", "resourceARN"),
]
OPERATIONS = [
    contract.service(service).operation_model(name).http
    for service, names in (
        ("bedrock-runtime", runtime.OPERATIONS | converse.OPERATIONS),
        ("bedrock", control_plane.OPERATIONS),
    )
    for name in names
]


def value(dice: random.Random, depth: int = 0):
    """Anything that JSON holds, and messages now and then."""
    if depth < 3 and dice.random() < 0.3:
        return [value(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    if depth < 3 and dice.random() < 0.3:
        return {dice.choice([*NAMES, "role", "content", "text"]): value(dice, depth + 1) for _ in range(3)}
    if dice.random() < 0.2:
        return [{"role": "user", "content": dice.choice(["hi", [{"text": "hi"}], value(dice, 3)])}]
    return dice.choice(VALUES)


def body(dice: random.Random) -> bytes:
    if dice.random() < 0.1:
        return dice.randbytes(dice.randint(0, 60))
    return json.dumps({dice.choice(NAMES): value(dice) for _ in range(dice.randint(0, 6))}).encode()


@pytest.mark.parametrize("seed", range(4))
def test_five_hundred_random_requests_get_modelled_answers(bedrock, server, seed):
    dice = random.Random(seed)
    arns = [
        bedrock.register("openai", architecture="llama"),
        bedrock.register("bedrock", architecture="llama", body_format="bedrock"),
        bedrock.register("mistral", architecture="llama", body_format="mistral"),
    ]
    identifiers = [*arns, "x", "..", "%", "arn:aws:bedrock:::", "é" * 40, "a" * 3000]
    codes = set()
    with httpx.Client(base_url=server.url) as client:
        for _ in range(500):
            http = dice.choice(OPERATIONS)
            path = http["requestUri"]
            for parameter in ("modelId", "jobIdentifier", "modelIdentifier"):
                path = path.replace(f"{{{parameter}}}", quote(dice.choice(identifiers), safe=""))
            answer = client.request(http["method"], path, content=body(dice))
            assert answer.status_code < 500, (http, answer.text)
            if answer.is_error:
                code = answer.headers["x-amzn-errortype"]
                assert answer.status_code == STATUS_BY_CODE[code]
                assert isinstance(answer.json()["message"], str)
                codes.add(code)
    assert "ValidationException" in codes
    assert all(model.traffic.in_flight == 0 for model in bedrock.models())


def test_a_body_beyond_the_services_limit_is_refused(bedrock, server):
    arn = bedrock.register("model")
    too_large = b'{"prompt": "' + b"x" * MAX_BODY_BYTES + b'"}'
    answer = httpx.post(f"{server.url}/model/{arn}/invoke", content=too_large, timeout=30)
    assert answer.status_code == 400
    assert "less than or equal to 25000000" in answer.json()["message"]


@pytest.mark.parametrize("method, path", [("GET", "/"), ("PATCH", "/imported-models"), ("POST", "/model/x/apply")])
def test_what_is_no_operation_is_answered_as_one(server, method, path):
    answer = httpx.request(method, server.url + path)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")


def test_a_client_of_another_region_is_told_so(bedrock, server):
    arn = bedrock.register("model")
    scope = "AWS4-HMAC-SHA256 Credential=A/20261123/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"
    answer = httpx.post(f"{server.url}/model/{arn}/invoke", headers={"authorization": scope}, json={"prompt": "x"})
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")


def test_an_engine_with_a_bug_is_an_internal_error_and_the_server_goes_on(bedrock, server):
    class Buggy:
        def count_tokens(self, generation):
            raise RuntimeError("a bug")

        async def generate(self, generation):
            yield "stop"

    buggy, fine = bedrock.register("buggy", engine=Buggy()), bedrock.register("fine")
    answer = httpx.post(f"{server.url}/model/{buggy}/invoke", json={"prompt": "x"})
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (500, "InternalServerException")
    assert "a bug" not in answer.text
    assert httpx.post(f"{server.url}/model/{fine}/invoke", json={"prompt": "x"}).status_code == 200
